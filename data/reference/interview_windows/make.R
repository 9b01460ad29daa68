# Writes input.csv (simulated here) and expected.csv: effects of four interviews on exits in their windows by AER::ivreg,
# their joint covariance over people from sandwich's estfun and bread, net and cumulative effects by car::deltaMethod.
suppressMessages({library(AER); library(sandwich); library(car)})
set.seed(91)
n <- 700
starts <- c(91, 162, 253, 344)
ends <- c(162, 253, 344, Inf)
assigned <- as.integer(runif(n) < 0.5)
age <- round(rnorm(n, 40, 10))
sex <- sample(c("female", "male"), n, TRUE)
u <- runif(n)
exit_day <- rep(NA, n)
exit_kind <- rep("", n)
held <- matrix(NA, n, 4)
for (k in 1:4) {
  at_risk <- is.na(exit_day)
  held[, k] <- ifelse(at_risk, as.integer(runif(n) < ifelse(assigned == 1, 0.5 + 0.3 * u, 0.1)), NA)
  leaves <- at_risk & runif(n) < 0.12 + 0.1 * u + c(0, 0.02, 0.1, 0.05)[k] * held[, k] + 0.001 * (age - 40)
  exit_day[leaves] <- sample((starts[k] + 1):(min(ends[k], 460)), sum(leaves), TRUE)
  exit_kind[leaves] <- sample(c("job", "other"), sum(leaves), TRUE, c(0.65, 0.35))
}
d <- data.frame(assigned, exit_day, exit_kind, held_1 = held[, 1], held_2 = held[, 2], held_3 = held[, 3], held_4 = held[, 4], age, sex)
write.csv(d, "input.csv", row.names = FALSE, quote = FALSE, na = "")
d <- read.csv("input.csv", stringsAsFactors = FALSE)

rows <- list()
put <- function(quantity, statistic, value) {
  rows[[length(rows) + 1]] <<- data.frame(quantity = quantity, statistic = statistic, value = sprintf("%.15g", value))
}
day <- ifelse(is.na(d$exit_day), Inf, d$exit_day)
spread_out <- function(influence, at_risk) { all <- rep(0, n); all[at_risk] <- influence; all }
# Influence of each person on one coefficient, times the root of the small-sample factor of HC1.
influence <- function(fit, name) {
  n_k <- nobs(fit)
  psi <- (estfun(fit) %*% bread(fit) / n_k)[, name]
  psi * sqrt(n_k / (n_k - length(coef(fit))))
}
mean_influence <- function(x, among) ifelse(among, x - mean(x[among]), 0) / sqrt(sum(among) * (sum(among) - 1))
interviews <- c("interview_4m", "interview_7m", "interview_10m", "interview_12m")
for (outcome in c("exit_benefit", "exit_job")) {
  value <- c()
  psi <- list()
  for (k in 1:4) {
    at_risk <- which(day > starts[k])
    s <- d[at_risk, ]
    s$leaves <- as.integer(day[at_risk] <= ends[k] & !is.na(s$exit_day) & (outcome == "exit_benefit" | s$exit_kind == "job"))
    s$had <- s[[paste0("held_", k)]]
    fit <- ivreg(leaves ~ had + age + sex | assigned + age + sex, data = s)
    delta <- paste0("d", k); hazard <- paste0("h", k)
    value[delta] <- coef(fit)["had"]
    psi[[delta]] <- spread_out(influence(fit, "had"), at_risk)
    put(paste(outcome, interviews[k], sep = ":"), "estimate", coef(fit)["had"])
    put(paste(outcome, interviews[k], sep = ":"), "se", sqrt(vcovHC(fit, type = "HC1")["had", "had"]))
    basic <- s$assigned == 0
    value[hazard] <- mean(s$leaves[basic])
    psi[[hazard]] <- spread_out(mean_influence(s$leaves, basic), at_risk)
    if (k > 1) {
      s$number <- rowSums(s[, paste0("held_", 1:k)])
      more <- ivreg(leaves ~ number + age + sex | assigned + age + sex, data = s)
      value[paste0("b", k)] <- coef(more)["number"]
      psi[[paste0("b", k)]] <- spread_out(influence(more, "number"), at_risk)
      value[paste0("m", k)] <- mean(s$number[s$had == 1])
      psi[[paste0("m", k)]] <- spread_out(mean_influence(s$number, s$had == 1), at_risk)
    }
  }
  joint <- crossprod(do.call(cbind, psi))
  delta_of <- function(formula) deltaMethod(value, formula, vcov. = joint)
  net <- delta_of("(1 - (1-h1-d1)*(1-h2-d2)*(1-h3-d3)*(1-h4-d4)) - (1 - (1-h1)*(1-h2)*(1-h3)*(1-h4))")
  put(paste(outcome, "net", sep = ":"), "estimate", net$Estimate)
  put(paste(outcome, "net", sep = ":"), "se", net$SE)
  for (k in 2:4) {
    extra <- delta_of(paste0("b", k))
    earlier <- delta_of(sprintf("b%d*m%d-d%d", k, k, k))
    put(paste0(outcome, ":extra_1_", k), "estimate", extra$Estimate)
    put(paste0(outcome, ":extra_1_", k), "se", extra$SE)
    put(paste0(outcome, ":earlier_1_", k), "estimate", earlier$Estimate)
    put(paste0(outcome, ":earlier_1_", k), "se", earlier$SE)
  }
}
write.csv(do.call(rbind, rows), "expected.csv", row.names = FALSE, quote = FALSE)
