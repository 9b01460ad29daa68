# Writes input.csv (simulated here) and expected.csv: people who enter in cohorts of six months at ten offices, five of
# which withhold a service during an experiment; difference-in-differences with receipt instrumented, by AER with offices
# and cohorts as factors; a restricted wild cluster bootstrap over all 1,024 sign patterns, draw by draw.
suppressMessages({library(AER); library(sandwich)})
set.seed(5)
n <- 900
office <- sample(sprintf("office_%02d", 1:10), n, TRUE)
cohort <- sample(c("2017-1", "2017-2", "2018-1", "2018-2", "2019-1", "2019-2", "2020-1", "2020-2"), n, TRUE)
experiment <- as.integer(office %in% sprintf("office_%02d", c(2, 3, 5, 8, 9)))
during <- as.integer(cohort >= "2019-2")
place <- rnorm(10, 0, 0.1)[as.integer(factor(office))]
drift <- rnorm(80, 0, 0.08)[as.integer(interaction(office, cohort))]
u <- rnorm(n)
service <- as.integer(ifelse(experiment * during == 1, u > 1, u > -1.2))
age <- round(rnorm(n, 45, 10))
work <- round(0.4 + 0.08 * service + 0.05 * u + place + drift + 0.02 * during - 0.003 * (age - 45) + rnorm(n, 0, 0.3), 6)
d <- data.frame(office, cohort, experiment, during, service, age, work)
write.csv(d, "input.csv", row.names = FALSE, quote = FALSE)
d <- read.csv("input.csv", stringsAsFactors = FALSE)

rows <- list()
put <- function(quantity, statistic, value) {
  rows[[length(rows) + 1]] <<- data.frame(quantity = quantity, statistic = statistic, value = sprintf("%.15g", value))
}
clustered <- function(m) vcovCL(m, cluster = d$office, type = "HC1")
report <- function(label, fit, name) {
  table <- coeftest(fit, vcov = clustered(fit), df = 9)
  put(label, "estimate", table[name, 1])
  put(label, "se", table[name, 2])
  put(label, "p", table[name, 4])
}
d$effect <- d$experiment * d$during
report("iv_did:two_way",
  ivreg(work ~ service + age + factor(office) + factor(cohort) | effect + age + factor(office) + factor(cohort), data = d),
  "service")
stage <- lm(service ~ effect + age + factor(office) + factor(cohort), data = d)
report("first_stage:two_way", stage, "effect")
put("first_stage:two_way", "f", coeftest(stage, vcov = clustered(stage))["effect", 3]^2)
report("iv_did:simple", ivreg(work ~ service + experiment + during | effect + experiment + during, data = d), "service")
report("did:two_way", lm(work ~ effect + age + factor(office) + factor(cohort), data = d), "effect")

wild <- function(full, less, x) {
  t_of <- function(m) coef(m)[x] / sqrt(clustered(m)[x, x])
  sample_t <- abs(t_of(full))
  groups <- sort(unique(d$office))
  signs <- as.matrix(expand.grid(rep(list(c(-1, 1)), length(groups))))
  drawn <- apply(signs, 1, function(v) {
    d$drawn <<- fitted(less) + resid(less) * v[match(d$office, groups)]
    abs(t_of(lm(update(formula(full), drawn ~ .), data = d)))
  })
  mean(drawn >= sample_t * (1 - 1e-9))
}
put("did:two_way", "wild_p", wild(
  lm(work ~ effect + age + factor(office) + factor(cohort), data = d),
  lm(work ~ age + factor(office) + factor(cohort), data = d), "effect"))
put("did:simple", "wild_p", wild(
  lm(work ~ effect + experiment + during, data = d), lm(work ~ experiment + during, data = d), "effect"))
write.csv(do.call(rbind, rows), "expected.csv", row.names = FALSE, quote = FALSE)
