package web

import (
	"net/http"
	"time"

	"github.com/handoff-care/handoff/services/console/internal/text"
)

// spoken is the request in the language that what is handed to patients is shown in: as the page's own switch
// says now, else as it said last in this browser, else English.
func (c *Console) spoken(w http.ResponseWriter, r *http.Request) *http.Request {
	const name = "patients-language"
	lang, chosen := text.Known(r.URL.Query().Get("lang"))
	if chosen {
		http.SetCookie(w, &http.Cookie{
			Name: name, Value: lang.Code, Path: "/", MaxAge: int((365 * 24 * time.Hour).Seconds()), HttpOnly: true, Secure: c.Secure, SameSite: http.SameSiteLaxMode,
		})
	} else if before, err := r.Cookie(name); err == nil {
		lang, _ = text.Known(before.Value)
	}
	return r.WithContext(text.In(r.Context(), lang))
}
