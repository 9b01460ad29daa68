# Writes expected.csv: change in (log) homicide in the 13 states whose castle-doctrine law came in 2007 against the states
# without one, 2000-2010, by lm with state and year as factors, clustered by state with sandwich; plm for the unweighted fit.
suppressMessages({library(sandwich); library(lmtest); library(plm)})
d <- read.csv("input.csv")
groups <- length(unique(d$state))
rows <- list()
put <- function(quantity, statistic, value) {
  rows[[length(rows) + 1]] <<- data.frame(quantity = quantity, statistic = statistic, value = sprintf("%.15g", value))
}
report <- function(label, fit, names) {
  table <- coeftest(fit, vcov = vcovCL(fit, cluster = d$state, type = "HC1"), df = groups - 1)
  for (name in names) {
    put(paste0(label, ":", name), "estimate", table[name, 1])
    put(paste0(label, ":", name), "se", table[name, 2])
    put(paste0(label, ":", name), "p", table[name, 4])
  }
}
d$effect <- d$treated * d$post
report("simple", lm(l_homicide ~ effect + treated + post, data = d), "effect")
report("two_way", lm(l_homicide ~ effect + factor(state) + factor(year), data = d), "effect")
report("weighted", lm(l_homicide ~ effect + factor(state) + factor(year), data = d, weights = popwt), "effect")
within <- plm(l_homicide ~ effect, data = d, index = c("state", "year"), effect = "twoways", model = "within")
put("plm:effect", "estimate", coef(within)["effect"])
for (year in setdiff(2000:2010, 2006)) d[[paste0("treated_", year)]] <- d$treated * (d$year == year)
by_year <- paste0("treated_", setdiff(2000:2010, 2006))
study <- lm(reformulate(c(by_year, "factor(state)", "factor(year)"), "l_homicide"), data = d)
report("event", study, by_year)
early <- paste0("treated_", 2000:2005)
test <- waldtest(study, early, vcov = function(m) vcovCL(m, cluster = d$state, type = "HC1"), test = "F")
put("event:pretrend", "f", test$F[2])
put("event:pretrend", "p", pf(test$F[2], length(early), groups - 1, lower.tail = FALSE))
write.csv(do.call(rbind, rows), "expected.csv", row.names = FALSE, quote = FALSE)
