# Writes expected.csv: the multinomial logit on expanded person-months by VGAM, robust standard errors from the scores of
# single person-months, and the effect of a service on cumulative incidence by brute force with a numerical gradient.
suppressMessages(library(VGAM))
H <- 8; starts <- c(0, 3, 6)
p <- read.csv("input.csv", stringsAsFactors = FALSE)
rows <- p[rep(seq_len(nrow(p)), p$months_observed), ]
rows$month <- sequence(p$months_observed) - 1
state <- function(start, m) ifelse(is.na(start) | start > m, "none", ifelse(start < 2, "early", ifelse(start < 6, "normal", "late")))
talk <- function(start, m) as.numeric(!is.na(start) & start <= m & m < start + 2)
design <- function(d) {
  s <- state(d$jobhunting, d$month); nw <- d$population == "nonwestern"
  x <- cbind(male = d$sex == "male", nonwestern = nw, sapply(0:(H - 1), function(m) d$month == m),
             early = s == "early", early_nw = s == "early" & nw, normal = s == "normal", normal_nw = s == "normal" & nw,
             late = s == "late", late_nw = s == "late" & nw, talk = talk(d$followup_1, d$month))
  x <- x * 1; colnames(x) <- c("sex=male", "population=nonwestern", paste0("month=", 0:(H - 1)),
    "jobhunting=early", "jobhunting=early:population=nonwestern", "jobhunting=normal",
    "jobhunting=normal:population=nonwestern", "jobhunting=late", "jobhunting=late:population=nonwestern", "followup_1"); x }
x <- design(rows); k <- ncol(x)
last <- rows$month == rows$months_observed - 1
y <- factor(ifelse(last & rows$exit != "none", rows$exit, "stay"), levels = c("work", "other", "stay"))
fit <- vglm(y ~ x - 1, multinomial(refLevel = "stay"), control = vglm.control(epsilon = 1e-14, maxit = 60))
b <- matrix(coef(fit), 2)  # one row per exit
V <- vcov(fit); order <- c(seq(1, 2 * k, 2), seq(2, 2 * k, 2)); V <- V[order, order]
beta <- c(b[1, ], b[2, ])
prob <- fitted(fit)[, c("work", "other")]
scores <- cbind(x * ((y == "work") - prob[, 1]), x * ((y == "other") - prob[, 2]))
R <- V %*% crossprod(scores) %*% V
names <- c(paste0("work:", colnames(x)), paste0("other:", colnames(x)))
out <- rbind(data.frame(quantity = names, statistic = "estimate", value = beta),
             data.frame(quantity = names, statistic = "se", value = sqrt(diag(V))),
             data.frame(quantity = names, statistic = "p", value = 2 * pnorm(-abs(beta / sqrt(diag(V))))),
             data.frame(quantity = names, statistic = "se_robust", value = sqrt(diag(R))))
incidence <- function(beta, who, start) {
  alive <- rep(1, nrow(who)); total <- c(0, 0)
  for (m in 0:(H - 1)) {
    d <- who; d$month <- m; d$jobhunting <- start; d$followup_1 <- NA
    x <- design(d); w <- exp(x %*% beta[1:k]); o <- exp(x %*% beta[(k + 1):(2 * k)])
    total <- total + c(mean(alive * w / (1 + w + o)), mean(alive * o / (1 + w + o))); alive <- alive / (1 + w + o) }
  total }
who <- p[p$population == "nonwestern", ]
effect <- function(beta) unlist(lapply(starts, function(s) {
  e <- incidence(beta, who, s) - incidence(beta, who, NA); c(e, sum(e)) }))
J <- sapply(seq_along(beta), function(i) { h <- replace(0 * beta, i, 1e-5); (effect(beta + h) - effect(beta - h)) / 2e-5 })
names <- paste0("effect ", c("work", "other", "total"), ":", rep(starts, each = 3))
out <- rbind(out, data.frame(quantity = names, statistic = "estimate", value = effect(beta)),
             data.frame(quantity = names, statistic = "se_delta", value = sqrt(diag(J %*% V %*% t(J)))))
out$value <- sprintf("%.15g", out$value)
write.csv(out, "expected.csv", row.names = FALSE, quote = FALSE)
