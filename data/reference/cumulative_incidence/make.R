# Writes expected.csv: cumulative incidence of two competing exits with censoring, by survival and by cmprsk.
suppressMessages({library(survival); library(cmprsk)})
d <- read.csv("input.csv", stringsAsFactors = FALSE)
times <- sort(unique(d$months[d$exit != "none"]))
d$state <- factor(d$exit, levels = c("none", "work", "other"))
fit <- summary(survfit(Surv(months, state) ~ 1, data = d), times = times)
rows <- list()
for (k in c("work", "other")) {
  at <- match(k, fit$states)
  rows[[length(rows) + 1]] <- data.frame(quantity = paste0(k, ":", times), statistic = "estimate", value = fit$pstate[, at])
  rows[[length(rows) + 1]] <- data.frame(quantity = paste0(k, ":", times), statistic = "se", value = fit$std.err[, at])
}
ci <- timepoints(cuminc(d$months, match(d$exit, c("work", "other"), nomatch = 0)), times)
for (k in 1:2) {
  rows[[length(rows) + 1]] <- data.frame(
    quantity = paste0(c("work", "other")[k], ":", times), statistic = "estimate_cmprsk", value = ci$est[k, ])
  rows[[length(rows) + 1]] <- data.frame(
    quantity = paste0(c("work", "other")[k], ":", times), statistic = "se_cmprsk", value = sqrt(ci$var[k, ]))
}
out <- do.call(rbind, rows)
out$value <- sprintf("%.15g", out$value)
write.csv(out, "expected.csv", row.names = FALSE, quote = FALSE)
