package page

import (
	"encoding/json"
	"testing"

	"github.com/handoff-care/handoff/services/console/internal/text"
)

// Scripts read from the page what its language says instead of English, and nothing where that is English.
func TestScriptsSpeakThePagesLanguage(t *testing.T) {
	if said := inScripts(t.Context()); said != "" {
		t.Errorf("an English page carries %q", said)
	}
	spanish, _ := text.Known("es")
	var said map[string]map[string]string
	if err := json.Unmarshal([]byte(inScripts(text.In(t.Context(), spanish))), &said); err != nil {
		t.Fatal(err)
	}
	if said["Done"]["other"] != "Hecho" {
		t.Errorf("a Spanish page carries %v", said)
	}
}
