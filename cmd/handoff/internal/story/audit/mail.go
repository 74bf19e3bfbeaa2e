package audit

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/handoff-care/handoff/cmd/handoff/internal/story/api"
	"github.com/handoff-care/handoff/cmd/handoff/internal/story/mailbox"
)

// Reader makes somebody whom every discharge of the facility is told by mail, and gives the audit the
// box where the mails arrive.
func (a *Audit) Reader(ctx context.Context, s api.System, box *mailbox.Box) error {
	admin := api.New(s, "admin")
	who := "reader-" + strings.ToLower(a.Facility)
	a.reader = who + "@example.org"
	people := []map[string]any{{"id": who, "name": "Reader", "roles": []string{"liaison"}, "email": a.reader, "email_from": "routine"}}
	if err := admin.Do(ctx, "PUT", "notification", "/people", map[string]any{"people": people}, nil); err != nil {
		return err
	}
	rosters := []map[string]any{{"facility": a.Facility, "members": []string{"role:liaison", who}}}
	if err := admin.Do(ctx, "PUT", "notification", "/rosters", map[string]any{"rosters": rosters}, nil); err != nil {
		return err
	}
	a.box = box
	return nil
}

// opening is the subject of the first mail about an alert; later ones begin with "Update: ".
const opening = "A discharge needs follow-up"

// mails: I5 outside the console. Whoever died between handing a mail over and writing that down hands
// it over again: then it is the same mail, by its Message-ID, and a mail program shows it once. What
// changed before the first mail went out is told by one that says it is an update.
func (a *Audit) mails(w *world) {
	if a.box == nil {
		return
	}
	about, first := map[string]int{}, map[string]int{} // by encounter: different mails, and first ones
	seen := map[string]bool{}
	a.Repeated = 0
	for _, m := range a.box.Mails() {
		if !slices.Contains(m.To, a.reader) {
			continue
		}
		if seen[m.MessageID] {
			a.Repeated++
			continue
		}
		seen[m.MessageID] = true
		_, link, found := strings.Cut(m.Body, "/episodes/")
		if !found {
			a.find("mail %s leads to no episode: %q", m.MessageID, m.Body)
			continue
		}
		encounter := strings.TrimSpace(strings.SplitN(link, "\n", 2)[0])
		about[encounter]++
		if m.Subject == opening {
			first[encounter]++
		}
	}
	for encounter, list := range w.alerts {
		for _, alert := range list {
			// What was resolved before the first mail went out need not be told of any more.
			if alert.State != "resolved" && about[encounter] == 0 || first[encounter] > 1 {
				a.find("%d different mails, %d of them as if it were the first, about the alert %s of encounter %s, which is %s (%s)",
					about[encounter], first[encounter], alert.ID, encounter, alert.State, alert.Reason)
			}
		}
	}
}

// Mails says how many mails there are, and how many of them are another's repetition.
func (a *Audit) Mails() string {
	if a.box == nil {
		return "no mails"
	}
	return fmt.Sprintf("%d mails, %d of them handed over twice", len(a.box.Mails()), a.Repeated)
}
