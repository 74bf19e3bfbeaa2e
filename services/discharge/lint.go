package discharge

import (
	"io/fs"

	"github.com/handoff-care/handoff/services/discharge/internal/clock"
	"github.com/handoff-care/handoff/services/discharge/internal/protocol"
)

// LintProtocols checks a folder of protocols as the service would on taking it in
// (conditions.yaml, tasks.yaml, protocols in every other *.yaml, and cases in
// *_test.yaml), together with the shipped due rules, and returns each protocol as
// code@version and title. What the folder does not hold is taken from the shipped
// files, unless it stands alone. The error lists everything that is wrong, one line
// each. A nil folder checks the shipped protocols.
func LintProtocols(folder fs.FS, alone bool) ([][2]string, error) {
	set, err := readProtocols(folder, alone)
	if err != nil {
		return nil, err
	}
	return set.Protocols(), nil
}

// ProtocolReport is how the cases beside protocols went.
type ProtocolReport = protocol.Report

// TestProtocols runs the cases of a folder, read as LintProtocols reads it.
func TestProtocols(folder fs.FS, alone bool) (ProtocolReport, error) {
	set, err := readProtocols(folder, alone)
	if err != nil {
		return ProtocolReport{}, err
	}
	return set.Test(), nil
}

// ProtocolFiles are the files of a folder by name, as the API takes them.
func ProtocolFiles(folder fs.FS) (map[string]string, error) { return protocol.Read(folder) }

func readProtocols(folder fs.FS, alone bool) (*protocol.Set, error) {
	if folder == nil {
		return protocol.Shipped()
	}
	rules, err := clock.Shipped()
	if err != nil {
		return nil, err
	}
	files, err := protocol.Read(folder)
	if err != nil {
		return nil, err
	}
	if !alone {
		files = files.Over(protocol.ShippedFiles())
	}
	return files.Load(rules)
}
