package script

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAScriptIsReadToTheLetter(t *testing.T) {
	for name, c := range map[string]struct {
		src   string
		texts []Text
		loose []string
	}{
		"what is said":           {`el.textContent = say("Not live");`, []Text{{Said: "Not live"}}, nil},
		"with parts":             {`say("Due in %s", span(left, "x"))`, []Text{{Said: "Due in %s"}}, []string{"x"}},
		"one of two":             {`say(on ? "On" : "Off")`, []Text{{Said: "On"}, {Said: "Off"}}, nil},
		"counted":                {`sayN(n, "%d hour", "%d hours")`, []Text{{"%d hours", "%d hour"}}, nil},
		"inside what is put in":  {"`<p>${safe(say(\"Back\"))} now</p>`", []Text{{Said: "Back"}}, []string{"<p>", " now</p>"}},
		"templates in templates": {"a(`b ${c ? `d ${e}` : \"f\"} g`)", nil, []string{"b ", "d ", "f", " g"}},
		"not said":               {`light("on", 'It\'s "live"')`, nil, []string{"on", `It's "live"`}},
		"put together":           {`say(words[does]); sayN(n, one, "%d hours")`, nil, []string{Unlisted, Unlisted}},
		"comments":               {"// say(\"never\")\n/* \"nor this\" */ 1 / 2 // \"x\"", nil, nil},
		"expressions":            {`const r = /["'\/]+[/"]/g, q = a / b / "c".length; if (/^"x/.test(s)) say("Yes")`, []Text{{Said: "Yes"}}, []string{"c"}},
		"escapes":                {`say("A \"b\" \u2026")`, []Text{{Said: "A \"b\" …"}}, nil},
		"after a brace":          {"{ } /\"a/.test(b); \"c\"", nil, []string{"c"}},
	} {
		t.Run(name, func(t *testing.T) {
			texts, loose := Read(c.src)
			if d := cmp.Diff(c.texts, texts); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(c.loose, loose); d != "" {
				t.Error(d)
			}
		})
	}
}
