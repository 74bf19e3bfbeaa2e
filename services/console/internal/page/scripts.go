package page

import (
	"context"
	"encoding/json"

	"github.com/handoff-care/handoff/services/console/internal/text"
)

// inScripts is what scripts say in the page's language instead of English, "" where they need nothing.
func inScripts(ctx context.Context) string {
	said := map[string]map[string]string{}
	for _, m := range text.InScripts() {
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
