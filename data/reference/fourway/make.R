# Writes input.csv (own simulated data) and expected.csv. Run from this folder: Rscript make.R
suppressPackageStartupMessages({library(sandwich)})
set.seed(20140901)
n <- 1500
expit <- function(x) 1 / (1 + exp(-x))
age <- round(rnorm(n, 45, 10)); female <- rbinom(n, 1, 0.5); office <- sample(1:50, n, TRUE)
services <- rbinom(n, 1, 0.5); w <- round(runif(n, 0.4, 2.5), 3)
confidence <- round(2.6 + 0.35 * services + 0.01 * (age - 45) + rnorm(n, 0, 0.8), 3)
motivated <- rbinom(n, 1, expit(-0.4 + 0.7 * services + 0.2 * female))
hours <- round(8 + 1.5 * services + 2 * confidence + 1.2 * services * confidence - 0.05 * age + rnorm(n, 0, 4), 3)
rate <- -4.4 + 0.1 * services + 0.5 * confidence + 0.15 * services * confidence - 0.01 * (age - 45)
job <- rbinom(n, 1, expit(rate + 1.2)); rare <- rbinom(n, 1, expit(rate))
d <- data.frame(services, confidence, motivated, hours, job, rare, age, female, office, w)
write.csv(d, "input.csv", row.names = FALSE, quote = FALSE)
d <- read.csv("input.csv")
out <- data.frame()
parts <- c("te", "cde", "intref", "intmed", "pie")
shares <- c("share_cde", "share_intref", "share_intmed", "share_pie", "share_mediated", "share_interaction", "share_eliminated")

# VanderWeele (2014), eAppendix, each component in closed form. p: theta (constant, exposure, mediator, product,
# covariates), beta (constant, exposure, covariates), sigma2; cc: covariates; r, e: reference and exposed; m: control.
closed <- function(p, kind, q, cc, r, e, m) {
  t1 <- p[2]; t2 <- p[3]; t3 <- p[4]; b <- p[(5 + q):(6 + 2 * q)]; b1 <- b[2]; s2 <- p[length(p)]
  mu <- b[1] + sum(b[-(1:2)] * cc); at <- function(a) mu + b1 * a
  if (kind == "linear linear")
    return(c((t1 + t3 * m) * (e - r), t3 * (at(r) - m) * (e - r), t3 * b1 * (e - r)^2, (t2 * b1 + t3 * b1 * r) * (e - r)))
  if (kind == "linear logistic") {
    shift <- expit(at(e)) - expit(at(r))
    return(c((t1 + t3 * m) * (e - r), t3 * (e - r) * (expit(at(r)) - m), t3 * (e - r) * shift, (t2 + t3 * r) * shift))
  }
  if (kind == "logistic linear") {
    scale <- (t2 + t3 * r) * at(r) + (t2 + t3 * r)^2 * s2 / 2
    cde <- exp(t1 * (e - r) + t2 * m + t3 * e * m - scale) - exp(t2 * m + t3 * r * m - scale)
    nde <- exp((t1 + t3 * (at(r) + t2 * s2)) * (e - r) + t3^2 * s2 * (e^2 - r^2) / 2)
    te <- exp((t1 + t2 * b1 + t3 * (mu + b1 * r + b1 * e + t2 * s2)) * (e - r) + t3^2 * s2 * (e^2 - r^2) / 2)
    pie <- exp((t2 * b1 + t3 * b1 * r) * (e - r))
  } else {
    under <- function(a, d) 1 + exp(t2 + t3 * a + at(d))
    cde <- exp(t2 * m) * (exp(t1 * (e - r) + t3 * e * m) - exp(t3 * r * m)) * (1 + exp(at(r))) / under(r, r)
    nde <- exp(t1 * (e - r)) * under(e, r) / under(r, r)
    pie <- (1 + exp(at(r))) * under(r, e) / ((1 + exp(at(e))) * under(r, r))
    te <- exp(t1 * (e - r)) * (1 + exp(at(r))) * under(e, e) / ((1 + exp(at(e))) * under(r, r))
  }
  c(cde, nde - 1 - cde, te - nde - pie + 1, pie - 1)
}

# The same from the definitions: mean counterfactual outcomes by numerical integration over the mediator.
brute <- function(p, kind, q, cc, r, e, m, link) {
  theta <- p[1:(4 + q)]; b <- p[(5 + q):(6 + 2 * q)]; s2 <- p[length(p)]
  inverse <- list(identity = identity, exp = exp, expit = expit)[[link]]
  mean_y <- function(a, med) inverse(theta[1] + theta[2] * a + (theta[3] + theta[4] * a) * med + sum(theta[-(1:4)] * cc))
  free <- function(a, d) {
    mu <- b[1] + b[2] * d + sum(b[-(1:2)] * cc)
    if (grepl("logistic$", kind)) return(expit(mu) * mean_y(a, 1) + (1 - expit(mu)) * mean_y(a, 0))
    integrate(function(z) mean_y(a, mu + sqrt(s2) * z) * dnorm(z), -12, 12, rel.tol = 1e-13, subdivisions = 1000)$value
  }
  held <- mean_y(e, m) - mean_y(r, m)
  v <- c(held, free(e, r) - free(r, r) - held, free(e, e) - free(e, r) - free(r, e) + free(r, r), free(r, e) - free(r, r))
  if (link == "identity") v else v / free(r, r)
}

with_shares <- function(four) {
  te <- sum(four)
  c(te, four, four / te, sum(four[3:4]) / te, sum(four[2:3]) / te, sum(four[2:4]) / te)
}
gradient <- function(f, p) sapply(seq_along(p), function(j) {
  h <- 1e-4 * max(abs(p[j]), 0.1); step <- function(k) { q <- p; q[j] <- q[j] + k * h; f(q) }
  (step(-2) - 8 * step(-1) + 8 * step(1) - step(2)) / (12 * h)
})

run <- function(name, y, mediator, kind, r = 0, e = 1, m = 1, risks = "closed", variance = "classical", weights = NULL,
                interaction = TRUE, covariates = c("age", "female")) {
  q <- length(covariates); d$ww <- if (is.null(weights)) rep(1, n) else d[[weights]]; d$ww <- d$ww / mean(d$ww)
  rhs <- paste(covariates, collapse = " + ")
  fo <- as.formula(paste(y, "~ services +", mediator, if (interaction) paste("+ I(services *", mediator, ")"), "+", rhs))
  fm <- as.formula(paste(mediator, "~ services +", rhs))
  fit <- function(f, logistic) if (logistic) suppressWarnings(glm(f, binomial, d, weights = ww, epsilon = 1e-14)) else lm(f, d, weights = ww)
  mo <- fit(fo, grepl("^logistic", kind)); mm <- fit(fm, grepl("logistic$", kind)); linear <- grepl("linear$", kind)
  s2 <- if (linear) sum(d$ww * resid(mm)^2) / mm$df.residual else 0
  theta <- coef(mo); if (!interaction) theta <- append(theta, 0, 3)
  p <- unname(c(theta, coef(mm), s2)); k <- c(length(coef(mo)), length(coef(mm)))
  if (variance == "classical") {
    v <- matrix(0, sum(k) + 1, sum(k) + 1); v[1:k[1], 1:k[1]] <- vcov(mo)
    v[k[1] + 1:k[2], k[1] + 1:k[2]] <- vcov(mm); v[sum(k) + 1, sum(k) + 1] <- if (linear) 2 * s2^2 / mm$df.residual else 0
  } else {
    groups <- length(unique(d$office))
    factor <- function(kk) if (variance == "HC1") n / (n - kk) else groups / (groups - 1) * (n - 1) / (n - kk)
    infl <- function(model, kk) sqrt(factor(kk)) * estfun(model) %*% bread(model) / n
    off <- if (linear) sqrt(factor(k[2])) * (d$ww * resid(mm)^2 * n / mm$df.residual - s2 * d$ww) / n else 0
    psi <- cbind(infl(mo, k[1]), infl(mm, k[2]), off)
    if (variance == "cluster") psi <- rowsum(psi, d$office)
    v <- crossprod(psi)
  }
  if (!interaction) { keep <- setdiff(seq_along(p), 4); wide <- matrix(0, length(p), length(p)); wide[keep, keep] <- v; v <- wide }
  cc <- unname(sapply(covariates, function(x) weighted.mean(d[[x]], d$ww)))
  f <- function(p) with_shares(if (risks == "exact") brute(p, kind, q, cc, r, e, m, "expit") else closed(p, kind, q, cc, r, e, m))
  est <- f(p); jac <- gradient(f, p); se <- sqrt(diag(jac %*% v %*% t(jac)))
  link <- if (grepl("^linear", kind)) "identity" else if (risks == "exact") "expit" else "exp"
  check <- with_shares(brute(p, kind, q, cc, r, e, m, link))
  stopifnot(max(abs(est - check)) < 1e-8)
  label <- paste0(name, ": ", c(parts, shares))
  out <<- rbind(out, data.frame(quantity = label, statistic = "estimate", value = est),
    data.frame(quantity = label, statistic = "se", value = se),
    data.frame(quantity = label[1:5], statistic = "integrated", value = check[1:5]))
}
run("linear, linear", "hours", "confidence", "linear linear")
run("linear, linear, HC1", "hours", "confidence", "linear linear", variance = "HC1")
run("linear, linear, weighted", "hours", "confidence", "linear linear", variance = "HC1", weights = "w")
run("linear, linear, by office", "hours", "confidence", "linear linear", variance = "cluster")
run("linear, binary", "hours", "motivated", "linear logistic", m = 0)
run("rare, linear", "rare", "confidence", "logistic linear")
run("rare, linear, other levels", "rare", "confidence", "logistic linear", r = 0.2, e = 1.3, m = 3)
run("rare, linear, no product", "rare", "confidence", "logistic linear", interaction = FALSE)
run("job, linear", "job", "confidence", "logistic linear", m = 0)
run("job, linear, weighted", "job", "confidence", "logistic linear", variance = "HC1", weights = "w")
run("job, linear, by office", "job", "confidence", "logistic linear", variance = "cluster")
run("job, linear, exact", "job", "confidence", "logistic linear", risks = "exact")
run("job, binary", "job", "motivated", "logistic logistic", m = 0)
run("job, binary, by office", "job", "motivated", "logistic logistic", variance = "cluster")
run("job, binary, exact", "job", "motivated", "logistic logistic", risks = "exact")
out$value <- sprintf("%.15g", out$value)
write.csv(out, "expected.csv", row.names = FALSE, quote = c(1, 2))
