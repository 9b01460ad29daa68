# Writes input.csv (own simulated data) and expected.csv. Run from this folder: Rscript make.R
suppressPackageStartupMessages({library(AER); library(sandwich)})
set.seed(20240415)
n <- 1200
age <- round(runif(n, 20, 64)); female <- rbinom(n, 1, 0.5); high <- rbinom(n, 1, 0.3)
married <- rbinom(n, 1, 0.45); old_job <- rbinom(n, 1, 0.2); assigned <- rbinom(n, 1, 0.5)
office <- sample(1:40, n, TRUE)
e <- matrix(rnorm(3 * n), n) %*% chol(matrix(c(1, .5, .3, .5, 1, .4, .3, .4, 1), 3))
services <- as.integer(-0.8 + 1.9 * assigned + 0.2 * female + e[, 3] > 0)
job <- as.integer(0.6 - 0.02 * age + 0.4 * high + 0.5 * old_job - 0.4 * married + 0.3 * assigned + e[, 1] > 0)
wage <- round(11 + 0.06 * age + 2.5 * high - 0.5 * services + 2 * e[, 2], 3)
permanent <- as.integer(-0.4 + 0.5 * high - 0.1 * services + e[, 2] > 0)
wage[job == 0] <- NA; permanent[job == 0] <- NA
d <- data.frame(age, female, high, married, old_job, assigned, office, services, job, wage, permanent)
write.csv(d, "input.csv", row.names = FALSE, quote = FALSE, na = "")
d <- read.csv("input.csv")
out <- data.frame()
add <- function(quantity, statistic, value)
  out <<- rbind(out, data.frame(quantity = quantity, statistic = statistic, value = unname(value)))
addall <- function(prefix, names, estimate, se) { add(paste0(prefix, names), "estimate", estimate); add(paste0(prefix, names), "se", se) }

# probit, standard errors from the observed information, average marginal effects with their delta method
fit <- glm(job ~ age + female + high + married + old_job + assigned, binomial("probit"), d, epsilon = 1e-14, maxit = 100)
x <- model.matrix(fit); index <- drop(x %*% coef(fit)); q <- 2 * d$job - 1
mills <- q * dnorm(index) / pnorm(q * index)
v <- solve(crossprod(x * (mills * (mills + index)), x))
addall("probit: ", c("constant", names(coef(fit))[-1]), coef(fit), sqrt(diag(v)))
density <- mean(dnorm(index)); slope <- colMeans(-index * dnorm(index) * x)
jac <- density * diag(ncol(x)) + coef(fit) %o% slope
addall("effect: ", names(coef(fit))[-1], (density * coef(fit))[-1], sqrt(diag(jac %*% v %*% t(jac)))[-1])
d$ratio <- dnorm(index) / pnorm(index)
s <- d[d$job == 1, ]
add("ratio: mean", "estimate", mean(s$ratio)); add("ratio: largest", "estimate", max(s$ratio)); add("ratio: least", "estimate", min(s$ratio))

# Heckman's two steps, exogenous equation
w <- x[d$job == 1, ]; ols <- lm(wage ~ age + high + ratio, s); X <- model.matrix(ols); b <- coef(ols)["ratio"]
delta <- s$ratio * (s$ratio + index[d$job == 1])
sigma2 <- (sum(resid(ols)^2) + b^2 * sum(delta)) / nrow(s); rho <- b / sqrt(sigma2)
Q <- rho^2 * (t(X) %*% (delta * w)) %*% v %*% (t(w) %*% (delta * X))
inner <- t(X) %*% ((1 - rho^2 * delta) * X) + Q
hv <- sigma2 * solve(crossprod(X)) %*% inner %*% solve(crossprod(X))
label <- function(m) sub("^ratio$", "inverse_mills_ratio", sub("\\(Intercept\\)", "constant", names(coef(m))))
addall("heckman: ", label(ols), coef(ols), sqrt(diag(hv)))
add("heckman: sigma", "estimate", sqrt(sigma2)); add("heckman: rho", "estimate", rho)
addall("ols hc1: ", label(ols), coef(ols), sqrt(diag(vcovHC(ols, "HC1"))))

# 2SLS with the ratio among the exogenous columns: exclusion columns as instruments, or in the probit only
clustered <- function(m) { # factor G/(G-1) * (n-1)/(n-k), as vcovCL has it for lm
  groups <- length(unique(s$office)); rows <- nobs(m); k <- length(coef(m))
  vcovCL(m, s$office, type = "HC0", cadjust = FALSE) * groups / (groups - 1) * (rows - 1) / (rows - k)
}
iv <- list(
  "wage, wooldridge" = ivreg(wage ~ age + high + ratio + services | age + high + ratio + assigned + female + married + old_job, data = s),
  "wage, report" = ivreg(wage ~ age + high + ratio + services | age + high + ratio + assigned, data = s),
  "permanent, report" = ivreg(permanent ~ age + high + ratio + services | age + high + ratio + assigned, data = s))
for (name in names(iv)) {
  addall(paste0(name, ": "), label(iv[[name]]), coef(iv[[name]]), sqrt(diag(vcovHC(iv[[name]], type = "HC1"))))
  addall(paste0(name, ", by office: "), label(iv[[name]]), coef(iv[[name]]), sqrt(diag(clustered(iv[[name]]))))
}
one <- lm(services ~ age + high + ratio + assigned, s)
addall("first stage: ", label(one), coef(one), sqrt(diag(vcovHC(one, "HC1"))))
add("first stage", "f", coef(one)["assigned"]^2 / vcovHC(one, "HC1")["assigned", "assigned"])
add("ratio on the rest", "r2", summary(lm(ratio ~ age + high + services, s))$r.squared)
out$value <- sprintf("%.15g", out$value)
write.csv(out, "expected.csv", row.names = FALSE, quote = c(1, 2))
