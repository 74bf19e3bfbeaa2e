package web

import (
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/a-h/templ"

	"github.com/handoff-care/handoff/services/console/internal/page"
	"github.com/handoff-care/handoff/services/console/internal/text"
)

// sheet answers with the dialog's content, or with a page of it where no script runs.
func (c *Console) sheet(w http.ResponseWriter, r *http.Request, title text.Message, body templ.Component) {
	if fragment(r) {
		c.render(w, r, http.StatusOK, page.SheetPart(say(r.Context(), title), body))
		return
	}
	c.render(w, r, http.StatusOK, page.SheetPage(c.page(r, title), say(r.Context(), title), body))
}

// segments shows an HL7 message one segment a line. Bytes that are not UTF-8 are shown as they would
// be in Latin-1: this is for reading, the bytes themselves stay with admission.
func segments(b []byte) string {
	text := string(b)
	if !utf8.Valid(b) {
		runes := make([]rune, len(b))
		for i, c := range b {
			runes[i] = rune(c)
		}
		text = string(runes)
	}
	return strings.TrimSpace(strings.NewReplacer("\r\n", "\n", "\r", "\n", "\v", "", "\x1c", "").Replace(text))
}
