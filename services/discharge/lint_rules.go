package discharge

import (
	"io/fs"

	"github.com/handoff-care/handoff/services/discharge/internal/rulebook"
)

// RulesReport is what a folder of rules holds.
type RulesReport struct {
	Packs    []RulesPack
	New      []string // versions that the shipped rules do not have
	Problems []string // what keeps them from following the shipped rules
}

// RulesPack is one pack of them.
type RulesPack struct {
	Pack, Version, Title string
	Rules, Vectors       int
}

// LintRules checks a folder of rules as the service would on taking it in (packs, and the
// tables comorbidity.yaml and hospital.yaml). What the folder does not hold is taken from
// the shipped files; a nil folder checks those. A vector that does not come true is an error.
func LintRules(folder fs.FS) (RulesReport, error) {
	var report RulesReport
	files := rulebook.ShippedFiles()
	shipped, err := files.Load()
	if err != nil {
		return report, err
	}
	rules := shipped
	if folder != nil {
		own, err := rulebook.Read(folder)
		if err != nil {
			return report, err
		}
		if rules, err = own.Over(files).Load(); err != nil {
			return report, err
		}
	}
	for _, p := range rules.Table.Packs() {
		report.Packs = append(report.Packs, RulesPack{
			p.Pack, p.Version, p.Title, len(p.Entries), len(p.Vectors) + len(p.Cases) + len(p.Outcomes) + len(p.Stays),
		})
	}
	report.New, report.Problems = rules.New(shipped), rules.Wrong(shipped)
	return report, nil
}

// RuleFiles are the files of a folder by name, as the API takes them.
func RuleFiles(folder fs.FS) (map[string]string, error) { return rulebook.Read(folder) }
