# Writes expected.csv: linear probability models of learning an HIV result on being offered money (Thornton 2008), by lm,
# with HC1 and village-clustered variances by sandwich.
suppressMessages({library(sandwich); library(lmtest)})
d <- read.csv("input.csv", stringsAsFactors = FALSE)
groups <- length(unique(d$village))
rows <- list()
put <- function(quantity, statistic, value) {
  rows[[length(rows) + 1]] <<- data.frame(quantity = quantity, statistic = statistic, value = sprintf("%.15g", value))
}
kinds <- list(
  classical = list(of = function(m) vcov(m), df = function(m) df.residual(m)),
  HC1 = list(of = function(m) vcovHC(m, type = "HC1"), df = function(m) df.residual(m)),
  clustered = list(of = function(m) vcovCL(m, cluster = d$village, type = "HC1"), df = function(m) groups - 1)
)
fits <- list(
  plain = lm(got ~ any, data = d),
  controls = lm(got ~ any + age + relevel(factor(hiv2004), "negative"), data = d),
  weighted = lm(got ~ any + age, data = d, weights = age)
)
names(fits$controls$coefficients) <- c("constant", "any", "age", "hiv2004=indeterminate", "hiv2004=positive")
for (label in names(fits)) for (kind in names(kinds)) {
  k <- kinds[[kind]]
  table <- coeftest(fits[[label]], vcov = k$of(fits[[label]]), df = k$df(fits[[label]]))
  for (name in rownames(table)[-1]) {
    key <- paste(label, kind, name, sep = ":")
    put(key, "estimate", table[name, 1])
    put(key, "se", table[name, 2])
    put(key, "p", table[name, 4])
  }
}
write.csv(do.call(rbind, rows), "expected.csv", row.names = FALSE, quote = FALSE)
