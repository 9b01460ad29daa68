# Writes expected.csv: organ donor registration in California from the third quarter of 2011 against other states (Kessler
# & Roth 2014), by lm with state and quarter as factors, clustered by state with sandwich; plm for the estimate.
suppressMessages({library(sandwich); library(lmtest); library(plm)})
d <- read.csv("input.csv", stringsAsFactors = FALSE)
fit <- lm(rate ~ california_later + factor(state) + factor(quarter), data = d)
table <- coeftest(fit, vcov = vcovCL(fit, cluster = d$state, type = "HC1"), df = length(unique(d$state)) - 1)
within <- plm(rate ~ california_later, data = d, index = c("state", "quarter"), effect = "twoways", model = "within")
out <- data.frame(
  quantity = c(rep("california_later", 3), "plm:california_later"), statistic = c("estimate", "se", "p", "estimate"),
  value = sprintf("%.15g", c(table["california_later", c(1, 2, 4)], coef(within)["california_later"]))
)
write.csv(out, "expected.csv", row.names = FALSE, quote = FALSE)
