package board

import (
	"context"
	"regexp"
	"strings"
)

var (
	ruleID   = regexp.MustCompile(`\bid:\s*"?([\w-]+)`)
	untrue   = regexp.MustCompile(`^pack [\w-]+:\s+vector of ([\d: -]+): (\S+):\s+([\d: -]+), the pack says ([\d: -]+)$`)
	yamlLine = regexp.MustCompile(`^(pack [\w-]+:\s+)?yaml:\s+line \d+:\s+`)
	byClock  = regexp.MustCompile(`^clock:\s`)
	idWord   = regexp.MustCompile(`[\w-]+`)
)

// RuleMarks puts problems with rules on the lines of a pack's text: on the line they name, else where the
// rule they name begins. rest are those that belong to no line of it.
func RuleMarks(ctx context.Context, text string, problems []string) (lines []MarkedLine, rest []string) {
	begins := map[string]int{}
	for i, l := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		lines = append(lines, MarkedLine{N: i + 1, Text: strings.TrimSuffix(l, "\r")})
		if m := ruleID.FindStringSubmatch(l); m != nil {
			begins[m[1]] = i + 1
		}
	}
	for _, p := range problems {
		said := strings.TrimSpace(byClock.ReplaceAllString(p, ""))
		n := lineOf(lines, said)
		for _, word := range idWord.FindAllString(said, -1) {
			if n == 0 {
				n = begins[word]
			}
		}
		if n == 0 {
			rest = append(rest, ruleWrong(ctx, said))
			continue
		}
		lines[n-1].Wrong = append(lines[n-1].Wrong, ruleWrong(ctx, said))
	}
	return lines, rest
}

// ruleWrong says in words what a check says of an example, or of a line; the rest is said in words already.
func ruleWrong(ctx context.Context, said string) string {
	if m := untrue.FindStringSubmatch(said); m != nil {
		return say(ctx, "An example is not true: what begins on %s is due %s by %s, and the example says %s.", m[1], m[3], m[2], m[4])
	}
	return yamlLine.ReplaceAllString(said, "")
}
