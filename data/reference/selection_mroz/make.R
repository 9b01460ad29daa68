# Writes expected.csv: R's numbers on PSID1976 of package AER (Mroz 1987), and values printed in textbooks.
# The input on our side is linearmodels.datasets.mroz, another copy of the same data. Run from this folder: Rscript make.R
suppressPackageStartupMessages({library(AER); library(sandwich)})
data("PSID1976")
p <- PSID1976
d <- data.frame(inlf = as.integer(p$participation == "yes"), educ = p$education, exper = p$experience,
  expersq = p$experience^2, age = p$age, kidslt6 = p$youngkids, kidsge6 = p$oldkids, motheduc = p$meducation,
  fatheduc = p$feducation, huseduc = p$heducation, wage = p$wage,
  nwifeinc = (p$fincome - p$hours * p$wage) / 1000)
out <- data.frame()
add <- function(quantity, statistic, value)
  out <<- rbind(out, data.frame(quantity = quantity, statistic = statistic, value = unname(value)))
addall <- function(prefix, names, estimate, se) { add(paste0(prefix, names), "estimate", estimate); add(paste0(prefix, names), "se", se) }
label <- function(m) sub("^ratio$", "inverse_mills_ratio", sub("\\(Intercept\\)", "constant", names(coef(m))))
ratio_of <- function(formula) {
  fit <- glm(formula, binomial("probit"), d, epsilon = 1e-14, maxit = 100)
  x <- model.matrix(fit); index <- drop(x %*% coef(fit)); q <- 2 * d$inlf - 1
  mills <- q * dnorm(index) / pnorm(q * index)
  list(fit = fit, x = x, index = index, v = solve(crossprod(x * (mills * (mills + index)), x)), ratio = dnorm(index) / pnorm(index))
}
heckman <- function(probit, formula, prefix) {
  s <- subset(transform(d, ratio = probit$ratio), inlf == 1)
  ols <- lm(formula, s); X <- model.matrix(ols); b <- coef(ols)["ratio"]; w <- probit$x[d$inlf == 1, ]
  delta <- s$ratio * (s$ratio + probit$index[d$inlf == 1])
  sigma2 <- (sum(resid(ols)^2) + b^2 * sum(delta)) / nrow(s); rho2 <- b^2 / sigma2
  Q <- rho2 * (t(X) %*% (delta * w)) %*% probit$v %*% (t(w) %*% (delta * X))
  v <- sigma2 * solve(crossprod(X)) %*% (t(X) %*% ((1 - rho2 * delta) * X) + Q) %*% solve(crossprod(X))
  addall(prefix, label(ols), coef(ols), sqrt(diag(v)))
}
wooldridge <- ratio_of(inlf ~ educ + exper + expersq + nwifeinc + age + kidslt6 + kidsge6)
addall("participation: ", c("constant", names(coef(wooldridge$fit))[-1]), coef(wooldridge$fit), sqrt(diag(wooldridge$v)))
heckman(wooldridge, log(wage) ~ educ + exper + expersq + ratio, "log wage: ")
# endogenous education: parents' and husband's education in its place, in the probit and as instruments
endogenous <- ratio_of(inlf ~ exper + expersq + age + kidslt6 + kidsge6 + nwifeinc + motheduc + fatheduc + huseduc)
s <- subset(transform(d, ratio = endogenous$ratio), inlf == 1)
iv <- ivreg(log(wage) ~ exper + expersq + ratio + educ | exper + expersq + ratio + age + kidslt6 + kidsge6 + nwifeinc + motheduc + fatheduc + huseduc, data = s)
addall("log wage, 2SLS: ", label(iv), coef(iv), sqrt(diag(vcovHC(iv, type = "HC1"))))
out$value <- sprintf("%.15g", out$value)
printed <- read.csv("printed.csv")[, c("quantity", "statistic", "value")]
write.csv(rbind(out, printed), "expected.csv", row.names = FALSE, quote = c(1, 2))
