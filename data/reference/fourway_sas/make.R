# Writes input.csv and expected.csv. Run from this folder: Rscript make.R
# input.csv holds no people: coefficients and covariances of regressions on pbc of package survival (276 complete cases).
# printed.csv holds what the SAS macro of Valeri and VanderWeele printed for the same data and models.
suppressPackageStartupMessages(library(survival))
d <- na.omit(pbc)
d$male <- as.integer(d$sex == "m"); d$bili_bin <- as.integer(d$bili > median(d$bili))
out <- data.frame()
put <- function(case, block, i, j, value) out <<- rbind(out, data.frame(case = case, block = block, row = i, column = j, value = value))
models <- function(case, y, m, logistic_y, logistic_m) {
  fit <- function(f, logistic) if (logistic) glm(f, binomial, d, epsilon = 1e-14) else lm(f, d)
  mo <- fit(as.formula(paste(y, "~ trt +", m, "+ I(trt *", m, ") + age + male + stage")), logistic_y)
  mm <- fit(as.formula(paste(m, "~ trt + age + male + stage")), logistic_m)
  put(case, "theta", seq_along(coef(mo)), 1, unname(coef(mo))); put(case, "beta", seq_along(coef(mm)), 1, unname(coef(mm)))
  put(case, "error", 1, 1, if (logistic_m) 0 else summary(mm)$sigma^2)
  # The macro's standard errors follow if s^2 itself stands where the variance of s^2, 2 s^4 / (n - p), belongs.
  put(case, "error variance", 1, 1, if (logistic_m) 0 else summary(mm)$sigma^2)
  for (one in list(list("theta covariance", vcov(mo)), list("beta covariance", vcov(mm))))
    put(case, one[[1]], c(row(one[[2]])), c(col(one[[2]])), c(one[[2]]))
}
models("linear, linear", "alk.phos", "bili", FALSE, FALSE)
models("linear, binary", "alk.phos", "bili_bin", FALSE, TRUE)
models("binary, linear", "spiders", "bili", TRUE, FALSE)
models("binary, binary", "spiders", "bili_bin", TRUE, TRUE)
out$value <- sprintf("%.15g", out$value)
write.csv(out, "input.csv", row.names = FALSE, quote = 1:2)

# From what SAS prints to our parts: pure direct effect = CDE + INTref, INTmed = total less pure indirect effect; for a
# binary outcome the printed odds ratios less 1, and standard errors of their logarithms from the printed interval.
p <- read.csv("printed.csv"); expected <- data.frame()
add <- function(quantity, statistic, value) expected <<- rbind(expected, data.frame(quantity = quantity, statistic = statistic, value = value))
for (case in unique(p$case)) {
  s <- p[p$case == case, ]; of <- function(effect, column) s[s$effect == effect, column]
  name <- function(part) paste0(case, ": ", part)
  if (grepl("^linear", case)) {
    for (pair in list(c("cde", "cde"), c("pnde", "cde + intref"), c("pnie", "pie"), c("te", "te"))) {
      add(name(pair[2]), "estimate", of(pair[1], "estimate")); add(name(pair[2]), "se", of(pair[1], "se"))
    }
    add(name("intmed + pie"), "estimate", of("tnie", "estimate")); add(name("intmed + pie"), "se", of("tnie", "se"))
  } else {
    for (pair in list(c("pnde", "cde + intref"), c("pnie", "pie"), c("te", "te"))) {
      add(name(pair[2]), "estimate", of(pair[1], "estimate") - 1)
      add(name(pair[2]), "log_se", log(of(pair[1], "high") / of(pair[1], "low")) / (2 * 1.96))
    }
    add(name("intmed"), "difference", of("te", "estimate") - of("pnde", "estimate") - of("pnie", "estimate") + 1)
  }
}
expected$value <- sprintf("%.15g", expected$value)
write.csv(expected, "expected.csv", row.names = FALSE, quote = c(1, 2))
