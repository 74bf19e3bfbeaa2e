package board

import (
	"regexp"
	"strings"
)

var (
	ruleID  = regexp.MustCompile(`\bid:\s*"?([\w-]+)`)
	byClock = regexp.MustCompile(`^clock:\s`)
	idWord  = regexp.MustCompile(`[\w-]+`)
)

// RuleMarks puts problems with rules on the lines of a pack's text: on the line they name, else where the
// rule they name begins. rest are those that belong to no line of it.
func RuleMarks(text string, problems []string) (lines []MarkedLine, rest []string) {
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
			rest = append(rest, said)
			continue
		}
		lines[n-1].Wrong = append(lines[n-1].Wrong, said)
	}
	return lines, rest
}
