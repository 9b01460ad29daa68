# Writes input.csv (simulated here) and expected.csv: two-stage least squares by AER with classical, HC1 and clustered
# variances by sandwich, weights, several instruments and endogenous columns; Anderson-Rubin tests by lm.
suppressMessages({library(AER); library(sandwich)})
set.seed(20240311)
n <- 400
office <- rep(sprintf("office_%02d", 1:25), length.out = n)
shock <- rnorm(25)[match(office, unique(office))]
assigned <- as.integer(runif(n) < 0.5)
other <- rnorm(n) + 0.3 * shock
u <- rnorm(n)
age <- round(rnorm(n, 40, 9))
education <- sample(c("high", "low", "middle"), n, TRUE)
service <- as.integer(0.9 * assigned + 0.3 * u + 0.02 * (age - 40) + 0.4 * rnorm(n) > 0.45)
hours <- round(10 + 2 * other + 3 * assigned + 2 * u + rnorm(n), 4)
work <- round(0.3 + 0.2 * service + 0.01 * hours + 0.15 * u + 0.1 * shock + 0.1 * (education == "low") + rnorm(n, 0, 0.3), 6)
weight <- round(runif(n, 0.5, 2), 3)
weak <- round(0.06 * assigned * 4 + rnorm(n) + u, 6)
d <- data.frame(office, assigned, other = round(other, 6), age, education, service, hours, work, weight, weak)
write.csv(d, "input.csv", row.names = FALSE, quote = FALSE)
d <- read.csv("input.csv")

rows <- list()
put <- function(quantity, statistic, value) {
  rows[[length(rows) + 1]] <<- data.frame(quantity = quantity, statistic = statistic, value = sprintf("%.15g", value))
}
kinds <- list(
  classical = list(of = function(m) vcov(m), df = function(m) df.residual(m)),
  HC1 = list(of = function(m) vcovHC(m, type = "HC1"), df = function(m) df.residual(m)),
  clustered = list(of = function(m) vcovCL(m, cluster = d$office, type = "HC1"), df = function(m) 24)
)
report <- function(label, fit, stage, less, names, which = base::names(kinds)) {
  for (kind in which) {
    k <- kinds[[kind]]
    table <- coeftest(fit, vcov = k$of(fit), df = k$df(fit))
    for (name in names) {
      key <- paste(label, kind, name, sep = ":")
      put(key, "estimate", table[name, 1])
      put(key, "se", table[name, 2])
      put(key, "p", table[name, 4])
    }
    put(paste(label, kind, sep = ":"), "f", waldtest(less, stage, vcov = k$of(stage), test = "F")$F[2])
  }
}
report("late", ivreg(work ~ service + age + education | assigned + age + education, data = d),
  lm(service ~ assigned + age + education, data = d), lm(service ~ age + education, data = d), c("service", "age"))
report("weighted", ivreg(work ~ service + age | assigned + age, data = d, weights = weight),
  lm(service ~ assigned + age, data = d, weights = weight), lm(service ~ age, data = d, weights = weight), "service")
report("over", ivreg(work ~ service + age | assigned + other + age, data = d),
  lm(service ~ assigned + other + age, data = d), lm(service ~ age, data = d), "service")
report("two", ivreg(work ~ service + hours + age | assigned + other + age, data = d),
  lm(service ~ assigned + other + age, data = d), lm(service ~ age, data = d), c("service", "hours"))

# Cragg and Donald (1993): smallest eigenvalue, from residuals of lm.
partial <- function(name) resid(lm(reformulate("age", name), data = d))
y <- sapply(c("service", "hours"), partial)
z <- sapply(c("assigned", "other"), partial)
fitted <- z %*% solve(crossprod(z), crossprod(z, y))
sigma <- crossprod(y - fitted) / (nrow(d) - 4)
put("two", "cragg_donald_f", min(Re(eigen(solve(sigma) %*% crossprod(fitted))$values)) / 2)

# Ends of the Anderson-Rubin set: where a robust t test of the instrument has p = 0.05.
ar <- function(receipt, kind) function(b) {
  d$left <- d$work - b * d[[receipt]]
  m <- lm(left ~ assigned + age, data = d)
  coeftest(m, vcov = kinds[[kind]]$of(m), df = kinds[[kind]]$df(m))["assigned", 4] - 0.05
}
for (kind in c("HC1", "clustered")) {
  centre <- coef(ivreg(work ~ service + age | assigned + age, data = d))["service"]
  low <- uniroot(ar("service", kind), c(centre - 2, centre), tol = 1e-14)$root
  high <- uniroot(ar("service", kind), c(centre, centre + 2), tol = 1e-14)$root
  put(paste0("anderson_rubin:", kind, ":low"), "end", low)
  put(paste0("anderson_rubin:", kind, ":high"), "end", high)
}
stage <- lm(weak ~ assigned + age, data = d)
put("weak", "f", waldtest(lm(weak ~ age, data = d), stage, vcov = vcovHC(stage, type = "HC1"), test = "F")$F[2])
grid <- c(-50, -5, -1, -0.5, -0.2, 0, 0.2, 0.5, 1, 2, 5, 50)
put(paste0("weak:", grid), "inside", as.integer(sapply(grid, ar("weak", "HC1")) >= 0))
write.csv(do.call(rbind, rows), "expected.csv", row.names = FALSE, quote = FALSE)
