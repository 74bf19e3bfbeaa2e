package page

import (
	"context"
	"encoding/json"
	"path"
	"strings"

	"github.com/handoff-care/handoff/services/console/internal/text"
	"github.com/handoff-care/handoff/services/console/internal/text/script"
)

// spoken are the texts of the scripts, as the files say them.
var spoken = func() (out []string) {
	for name := range versions {
		if path.Ext(name) != ".js" || strings.HasSuffix(name, ".min.js") {
			continue
		}
		b, _ := files.ReadFile("static/" + name) // embedded: cannot fail
		texts, _ := script.Read(string(b))
		for _, t := range texts {
			out = append(out, t.Said)
		}
	}
	return out
}()

// inScripts is what scripts say in the page's language instead of English, "" where they need nothing.
func inScripts(ctx context.Context) string {
	said := map[string]map[string]string{}
	for _, m := range spoken {
		if forms := text.Of(ctx).Forms(m); forms != nil {
			said[m] = forms
		}
	}
	if len(said) == 0 {
		return ""
	}
	b, _ := json.Marshal(said) // plain words: cannot fail
	return string(b)
}
