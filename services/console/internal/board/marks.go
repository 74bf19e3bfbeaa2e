package board

import (
	"context"
	"regexp"
	"strconv"
	"strings"
)

// MarkedLine is a line of a file with what is wrong about it.
type MarkedLine struct {
	N     int // from 1
	Text  string
	Wrong []string
}

var (
	inFile  = regexp.MustCompile(`^([\w-]+\.ya?ml): (.*)$`)
	onLine  = regexp.MustCompile(`\bline (\d+)\b`)
	ofCode  = regexp.MustCompile(`\b(?:protocol|task) "?([\w-]+)`)
	ofRef   = regexp.MustCompile(`^([\w-]+)@\S+ `)
	atLine  = regexp.MustCompile(`^line \d+: `)
	noField = regexp.MustCompile(`^field (\S+) not found in type \S+$`)
	quoted  = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`)
)

// Marks puts problems with protocols on the lines of a file. A problem says its line, or which protocol
// or task of the file it is about, and may quote the text that is wrong. rest are the problems that
// belong to no line of it.
func Marks(ctx context.Context, name, text string, problems []string) (lines []MarkedLine, rest []string) {
	for i, l := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		lines = append(lines, MarkedLine{N: i + 1, Text: strings.TrimSuffix(l, "\r")})
	}
	file := ""
	for _, p := range problems {
		said := strings.TrimSpace(p)
		if m := inFile.FindStringSubmatch(said); m != nil {
			file, said = m[1], m[2]
		} else if !strings.HasPrefix(p, " ") { // what is indented belongs to the problem before it
			file = ""
		}
		n := 0
		if file == name {
			n = lineOf(lines, said)
		} else if m := ofRef.FindStringSubmatch(said); m != nil && file == "" { // a protocol as a whole, whichever file it is in
			n = startOf(lines, m[1]) + 1
		}
		switch {
		case n > 0:
			lines[n-1].Wrong = append(lines[n-1].Wrong, plainly(ctx, said))
		case file != name || !strings.HasSuffix(said, ":"): // a heading over the lines below it says nothing
			rest = append(rest, strings.TrimSpace(p))
		}
	}
	return lines, rest
}

// plainly leaves out what stands beside the line already, and what only programmers know.
func plainly(ctx context.Context, said string) string {
	said = atLine.ReplaceAllString(said, "")
	if m := noField.FindStringSubmatch(said); m != nil {
		return say(ctx, "there is no field %s here", strconv.Quote(m[1]))
	}
	return said
}

// lineOf is the line that a problem is about, 0 for none.
func lineOf(lines []MarkedLine, said string) int {
	if m := onLine.FindStringSubmatch(said); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil && n >= 1 && n <= len(lines) {
			return n
		}
		return 0
	}
	m := ofCode.FindStringSubmatch(said)
	if m == nil {
		return 0
	}
	from := startOf(lines, m[1])
	if from < 0 {
		return 0
	}
	for _, q := range quoted.FindAllStringSubmatch(said, -1) {
		word, err := strconv.Unquote(`"` + q[1] + `"`)
		if err != nil || word == "" || word == m[1] {
			continue
		}
		for i := from; i < len(lines) && (i == from || !strings.HasPrefix(strings.TrimSpace(lines[i].Text), "- code:")); i++ {
			if strings.Contains(lines[i].Text, word) {
				return i + 1
			}
		}
	}
	return from + 1
}

// startOf is the index of the line where a protocol or a task begins, -1 for none.
func startOf(lines []MarkedLine, code string) int {
	for i, l := range lines {
		_, after, found := strings.Cut(l.Text, "code:")
		if found && strings.Trim(strings.FieldsFunc(after+" ", func(r rune) bool { return r == ',' || r == '}' })[0], ` "'`) == code {
			return i
		}
	}
	return -1
}
