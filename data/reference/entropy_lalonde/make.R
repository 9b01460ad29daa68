# Writes expected.csv: CPS controls calibrated to the NSW treated by R survey with the raking distance, which is the
# entropy distance of Hainmueller (2012); earnings in thousands of dollars so that the moments are of one size.
suppressMessages({library(survey); library(sandwich)})
treated <- read.csv("nsw_treated.csv"); controls <- read.csv("cps.csv.gz")
money <- c("re74", "re75", "re78")
treated[money] <- treated[money] / 1000; controls[money] <- controls[money] / 1000
means <- c("age", "educ", "black", "hisp", "marr", "nodegree", "re74", "re75")
wide <- c("age", "educ", "re74", "re75")

rows <- list()
add <- function(quantity, statistic, value) {
  rows[[length(rows) + 1]] <<- data.frame(quantity, statistic, value = sprintf("%.15g", as.numeric(value)))
}

# The moments to balance, as columns of a table: means, and squares around the means of the treated.
moments <- function(data, variances) {
  z <- as.matrix(data[means])
  for (name in variances) z <- cbind(z, (data[[name]] - mean(treated[[name]]))^2)
  colnames(z) <- c(means, if (length(variances)) paste0(variances, "_square"))
  z
}

for (set in c("means", "variances")) {
  variances <- if (set == "means") character() else wide
  goals <- colMeans(moments(treated, variances))
  z <- moments(controls, variances)
  scale <- apply(z, 2, sd)
  u <- as.data.frame(sweep(sweep(z, 2, goals), 2, scale, "/"))
  u$base <- 1 / nrow(u)
  design <- svydesign(ids = ~1, weights = ~base, data = u)
  form <- reformulate(colnames(z))
  done <- calibrate(design, form, c(1, rep(0, ncol(z))), calfun = "raking", epsilon = 1e-13, maxit = 500)
  w <- weights(done)
  after <- colSums(w * z)
  for (name in colnames(z)) add(paste(set, name), "moment", after[name])
  add(paste(set, "effective n"), "weights", sum(w)^2 / sum(w^2))
  add(paste(set, "largest"), "weights", max(w) / sum(w))
  for (i in c(1, 50, 1000, 15000)) add(paste(set, "weight of row", i), "weights", w[i])

  # Effect on the treated; each side with its residual from the weighted regression on the moments.
  y1 <- treated$re78; y0 <- controls$re78; x <- as.matrix(u[colnames(z)])
  line <- lm(y0 ~ x, weights = w)
  x1 <- sweep(sweep(moments(treated, variances), 2, goals), 2, scale, "/")
  rest1 <- y1 - drop(x1 %*% coef(line)[-1])
  n0 <- length(y0)
  linear <- var(rest1) / length(y1) + sum((w * resid(line))^2) * n0 / (n0 - ncol(x) - 1)
  plain <- var(y1) / length(y1) + sum((w * (y0 - sum(w * y0)))^2) * n0 / (n0 - 1)
  add(paste(set, "effect"), "estimate", mean(y1) - sum(w * y0))
  add(paste(set, "effect linearised"), "se", sqrt(linear)); add(paste(set, "effect sandwich"), "se", sqrt(plain))

  # Weighted means with the weights taken as given: by marriage, and a regression, by sandwich's HC1.
  for (name in c("marr", "nodegree")) {
    fit <- lm(re78 ~ factor(controls[[name]]) - 1, data = controls, weights = w)
    for (i in 1:2) {
      add(paste(set, name, i - 1), "estimate", coef(fit)[i])
      add(paste(set, name, i - 1, "sandwich"), "se", sqrt(vcovHC(fit, "HC1")[i, i]))
    }
  }
  fit <- lm(re78 ~ age + educ + marr, data = controls, weights = w)
  design_matrix <- model.matrix(fit)
  scores <- design_matrix * resid(fit)
  rest <- sapply(seq_len(ncol(scores)), function(j) resid(lm(scores[, j] ~ x, weights = w)))
  bread <- solve(crossprod(design_matrix * w, design_matrix))
  linear <- bread %*% crossprod(rest * w) %*% bread * n0 / (n0 - ncol(x) - 1)
  for (j in 2:4) {
    name <- paste(set, "regression", names(coef(fit))[j])
    add(name, "estimate", coef(fit)[j])
    add(paste(name, "sandwich"), "se", sqrt(vcovHC(fit, "HC1")[j, j])); add(paste(name, "linearised"), "se", sqrt(linear[j, j]))
  }
}
write.csv(do.call(rbind, rows), "expected.csv", row.names = FALSE, quote = FALSE)
