# Writes expected.csv: return to education of married women, two-stage least squares by AER, variances by sandwich.
# The data come with the Python package linearmodels; name its file:
#   Rscript make.R "$(python -c 'import linearmodels.datasets.mroz as m; print(m.__path__[0] + "/mroz.csv.bz2")')"
suppressMessages({library(AER); library(sandwich)})
d <- read.csv(commandArgs(TRUE)[1])
d <- d[!is.na(d$lwage), ]
fit <- ivreg(lwage ~ exper + expersq + educ | exper + expersq + motheduc + fatheduc, data = d)
stage <- lm(educ ~ exper + expersq + motheduc + fatheduc, data = d)
less <- lm(educ ~ exper + expersq, data = d)
variances <- list(classical = function(m) vcov(m), HC1 = function(m) vcovHC(m, type = "HC1"))
rows <- list()
put <- function(quantity, statistic, value) {
  rows[[length(rows) + 1]] <<- data.frame(quantity = quantity, statistic = statistic, value = sprintf("%.15g", value))
}
for (kind in names(variances)) {
  of <- variances[[kind]]
  table <- coeftest(fit, vcov = of(fit), df = df.residual(fit))
  for (name in c("educ", "exper", "expersq")) {
    key <- paste0(kind, ":", name)
    put(key, "estimate", table[name, 1])
    put(key, "se", table[name, 2])
    put(key, "p", table[name, 4])
  }
  put(paste0(kind, ":first_stage"), "f", waldtest(less, stage, vcov = of(stage), test = "F")$F[2])
}
write.csv(do.call(rbind, rows), "expected.csv", row.names = FALSE, quote = FALSE)
