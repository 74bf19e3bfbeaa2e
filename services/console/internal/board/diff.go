package board

// Shown is what a browser has of one row: its element and a hash of what it says.
type Shown struct {
	ID   string
	Hash uint64
}

// Edit is one change that brings a browser's list up to date.
type Edit struct {
	Kind  EditKind
	ID    string   // Delete, Replace: the row; Insert: the row before, "" at the top
	Added []string // Insert: the rows, in order
}

// EditKind is what an Edit does.
type EditKind int

// The kinds of edits.
const (
	Delete EditKind = iota + 1
	Replace
	Insert
)

// Diff returns the edits that make before into after. A row that moved is deleted and inserted.
// Every edit names only rows that stay where they are, so all can be resolved before any is applied.
func Diff(before, after []Shown) []Edit {
	there := make(map[string]bool, len(after))
	for _, s := range after {
		there[s.ID] = true
	}
	var edits []Edit
	var left []Shown
	was := make(map[string]bool, len(before))
	for _, s := range before {
		if was[s.ID] = there[s.ID]; there[s.ID] {
			left = append(left, s)
		} else {
			edits = append(edits, Edit{Kind: Delete, ID: s.ID})
		}
	}
	moved := map[string]bool{}
	var run *Edit
	inserts := []*Edit{}
	anchor, at := "", 0
	for _, s := range after {
		for at < len(left) && moved[left[at].ID] {
			at++
		}
		if at < len(left) && left[at].ID == s.ID {
			if left[at].Hash != s.Hash {
				edits = append(edits, Edit{Kind: Replace, ID: s.ID})
			}
			anchor, run = s.ID, nil
			at++
			continue
		}
		if was[s.ID] {
			moved[s.ID] = true
			edits = append(edits, Edit{Kind: Delete, ID: s.ID})
		}
		if run == nil {
			run = &Edit{Kind: Insert, ID: anchor}
			inserts = append(inserts, run)
		}
		run.Added = append(run.Added, s.ID)
	}
	for _, e := range inserts {
		edits = append(edits, *e)
	}
	return edits
}
