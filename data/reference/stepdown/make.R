# Writes input.csv, draws.csv and expected.csv: Romano–Wolf p values by plain loops, for the draws in draws.csv.
set.seed(20260114)
n <- 120
draws <- 99
d <- data.frame(
  office = rep(c("north", "south"), c(80, 40)),
  assigned = c(sample(rep(c(1, 0), c(53, 27))), sample(rep(c(1, 0), c(14, 26)))),
  education = rep(c("lower", "middle", "higher"), 40)
)
d$hours <- round(20 + 1.5 * d$assigned + 3 * (d$office == "north") + rnorm(n, sd = 6), 2)
d$wage <- round(8 + 0.3 * d$hours + 2 * d$assigned * (d$education == "higher") + rnorm(n, sd = 3), 2)
write.csv(d, "input.csv", row.names = FALSE, quote = FALSE)

groups <- c("all", "education: higher", "education: lower", "education: middle")
outcomes <- c("hours", "wage")
of <- function(group, data) if (group == "all") rep(TRUE, nrow(data)) else data$education == sub("education: ", "", group)

# Without strata: the difference in means and its standard error, as t.test gives them.
welch <- function(data, group, outcome) {
  inside <- data[of(group, data), ]
  test <- t.test(inside[inside$assigned == 1, outcome], inside[inside$assigned == 0, outcome])
  c(diff(rev(unname(test$estimate))), test$stderr)
}

# With strata: weighted means, one person at a time.
weighted <- function(data, group, outcome) {
  inside <- of(group, data)
  means <- squares <- numeric(2)
  for (arm in 0:1) {
    sum_w <- sum_wy <- count <- 0
    for (i in which(inside & data$assigned == arm)) {
      w <- 1 / share(data$office[i], arm)
      sum_w <- sum_w + w; sum_wy <- sum_wy + w * data[i, outcome]; count <- count + 1
    }
    means[arm + 1] <- sum_wy / sum_w
    for (i in which(inside & data$assigned == arm)) {
      w <- 1 / share(data$office[i], arm)
      squares[arm + 1] <- squares[arm + 1] + w^2 * (data[i, outcome] - means[arm + 1])^2 / sum_w^2 * count / (count - 1)
    }
  }
  c(means[2] - means[1], sqrt(sum(squares)))
}
share <- function(office, arm) mean(d$assigned[d$office == office] == arm)

draw <- function(kind, stratum) {
  made <- seq_len(n)
  cells <- if (kind == "permutation") stratum else paste(stratum, d$assigned)
  for (cell in unique(cells)) {
    rows <- which(cells == cell)
    made[rows] <- rows[sample.int(length(rows), replace = kind == "bootstrap")]
  }
  made
}

rows <- list(); kept <- list()
for (design in c("plain", "strata")) for (kind in c("permutation", "bootstrap")) {
  estimate <- if (design == "plain") welch else weighted
  stratum <- if (design == "plain") rep("all", n) else d$office
  all <- expand.grid(outcome = outcomes, group = groups, stringsAsFactors = FALSE)
  h <- nrow(all)
  at <- function(data) sapply(seq_len(h), function(j) estimate(data, all$group[j], all$outcome[j]))
  found <- at(d)
  t <- abs(found[1, ] / found[2, ])
  extreme <- matrix(NA, draws, h)
  for (b in seq_len(draws)) {
    made <- draw(kind, stratum)
    kept[[length(kept) + 1]] <- data.frame(design, kind, people = paste(made - 1, collapse = " "))
    if (kind == "permutation") { other <- d; other$assigned <- d$assigned[made] } else other <- d[made, ]
    again <- at(other)
    extreme[b, ] <- abs(again[1, ] - (if (kind == "bootstrap") found[1, ] else 0)) / again[2, ]
  }
  left <- order(-t); before <- 0; stepped <- numeric(h)
  while (length(left)) {
    top <- left[1]; count <- 0
    for (b in seq_len(draws)) if (max(extreme[b, left]) >= t[top]) count <- count + 1
    before <- max(before, (count + 1) / (draws + 1)); stepped[top] <- before; left <- left[-1]
  }
  for (j in seq_len(h)) {
    p <- (sum(extreme[, j] >= t[j]) + 1) / (draws + 1)
    rows[[length(rows) + 1]] <- data.frame(
      quantity = paste(design, kind, all$group[j], all$outcome[j]), statistic = c("estimate", "se", "p", "p_adjusted"),
      value = sprintf("%.15g", c(found[1, j], found[2, j], p, stepped[j]))
    )
  }
}
write.csv(do.call(rbind, kept), "draws.csv", row.names = FALSE, quote = FALSE)
write.csv(do.call(rbind, rows), "expected.csv", row.names = FALSE, quote = FALSE)
