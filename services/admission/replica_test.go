package admission

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/hl7/mllp"
	"github.com/handoff-care/handoff/pkg/postgres"
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/pkg/seal"
	"github.com/handoff-care/handoff/services/admission/internal/adt"
	"github.com/handoff-care/handoff/services/admission/internal/store"
)

// stays are the folded stays of a facility, one line each.
func (h *hospital) stays(facility string) []string {
	h.t.Helper()
	rows, err := h.db.System.Query(context.Background(), `SELECT concat_ws(' ', visit, class, state, admitted_at, discharged_at, disposition, unit, bed, facts)
		FROM encounter e JOIN facility f ON f.id = e.facility_id WHERE f.code = $1 ORDER BY 1`, facility)
	if err != nil {
		h.t.Fatal(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

// tangle is traffic of a few stays with everything that is corrected later.
func tangle(facility string) (out [][]byte) {
	for i := range 4 {
		visit, mr := fmt.Sprintf("V%d", i), fmt.Sprintf("%d", 700+i)
		msh := "MSH-4=" + facility
		say := func(k int, trigger, at string, more ...string) {
			out = append(out, adtMessage(fmt.Sprintf("%s-%d-%d", facility, i, k), trigger, at, mr, visit, append(more, msh)...))
		}
		say(1, "A04", "202603020800", "PV1-2=E", "PV1-44=202603020800")
		say(2, "A01", "202603021000", "PV1-3=3W^1^1", "PV1-44=202603020800")
		say(3, "A02", "202603021200", "PV1-3=4E^2^2")
		say(4, "A02", "202603021400", "PV1-3=ICU^1^1")
		say(5, "A12", "202603021430", "PV1-3=4E^2^2", "EVN-6=202603021400")
		say(6, "A03", "202603041100", "PV1-36=01", "PV1-45=202603041100")
		if i%2 == 0 {
			say(7, "A13", "202603041200", "PV1-3=4E^2^2", "EVN-6=202603041100")
			say(8, "A03", "202603051100", "PV1-36=06", "PV1-45=202603051100")
		}
		say(9, "A08", "202603081100", "PV1-36=03", "DG1|1||I50.9^^I10")
		if i == 3 {
			say(10, "A11", "202603081200", "EVN-6=202603020800")
		}
	}
	return out
}

// Any order, repetition and delay of the same messages gives the same stays, through the whole service.
func TestOrderDoesNotMatter(t *testing.T) {
	h := start(t)
	h.send(tangle("ORDERED")...)
	h.settle()
	want := h.stays("ORDERED")
	for seed := range uint64(4) {
		facility := fmt.Sprintf("SHUFFLED%d", seed)
		list := tangle(facility)
		r := mathrand.New(mathrand.NewPCG(seed, 1))
		r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		list = append(list, list[r.IntN(len(list))], list[0])
		h.send(list...)
		h.settle()
		if diff := cmp.Diff(want, h.stays(facility)); diff != "" {
			t.Errorf("order %d: %s", seed, diff)
		}
	}
	h.balanced()
}

// Two replicas that get one hospital's messages in turn come to the same stays as one.
func TestReplicas(t *testing.T) {
	one := start(t)
	two := startOn(t, one.db, run.Config{Dev: true, MLLP: "127.0.0.1:0"})
	one.send(tangle("ALONE")...)
	var wg sync.WaitGroup
	list := tangle("SHARED")
	for i, h := range []*hospital{one, two} {
		var mine [][]byte
		for j := i; j < len(list); j += 2 {
			mine = append(mine, list[j])
		}
		wg.Go(func() { h.send(mine...) })
	}
	wg.Wait()
	one.settle()
	if diff := cmp.Diff(one.stays("ALONE"), one.stays("SHARED")); diff != "" {
		t.Error(diff)
	}
	one.balanced()
}

// keepDead keeps messages as a process does that dies before it handles them.
func keepDead(t *testing.T, db *postgres.DB, keys seal.Wrapper, list ...[]byte) (dead *store.Store, batch []*adt.Inbound) {
	t.Helper()
	dead, ctx := store.New(db), context.Background()
	if err := dead.Unlock(ctx, keys); err != nil {
		t.Fatal(err)
	}
	if err := dead.EnsureDemo(ctx, DemoOrg); err != nil {
		t.Fatal(err)
	}
	directory := store.NewDirectory(dead, func(context.Context, pgx.Tx, *adt.Facility) error { return nil })
	directory.Development = true
	if err := directory.Refresh(ctx); err != nil {
		t.Fatal(err)
	}
	for _, m := range list {
		in, err := adt.Receive(ctx, directory, directory.Setup().Loopback(), m, "", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		batch = append(batch, in)
	}
	if err := dead.Keep(ctx, batch); err != nil {
		t.Fatal(err)
	}
	dead.Release(ctx)
	return dead, batch
}

// What a process kept and did not handle before it died is handled by another, once.
func TestTakeOver(t *testing.T) {
	db := testDB(t)
	dead, batch := keepDead(t, db, testKeys(), tangle("GENERAL")...)
	h := startOn(t, db, run.Config{Dev: true, MLLP: "127.0.0.1:0"})
	h.settle()
	if n := len(h.stays("GENERAL")); n != 4 {
		t.Errorf("%d stays", n)
	}
	h.send(tangle("AGAIN")...)
	h.settle()
	if diff := cmp.Diff(h.stays("AGAIN"), h.stays("GENERAL")); diff != "" {
		t.Error(diff)
	}
	h.balanced()
	// The dead process wakes up and finds nothing of its own.
	if loaded, err := takeAll(t.Context(), dead, batch); err != nil || len(loaded.Mine) != 0 {
		t.Errorf("%v messages handled twice (%v)", len(loaded.Mine), err)
	}
}

func takeAll(ctx context.Context, s *store.Store, batch []*adt.Inbound) (l *store.Loaded, err error) {
	var ids []events.ID
	for _, in := range batch {
		ids = append(ids, in.ID)
	}
	err = s.DB.SystemTx(ctx, func(tx pgx.Tx) (err error) {
		l, err = s.Load(ctx, tx, store.Wanted{Messages: ids})
		return err
	})
	return l, err
}

// Patients of two hospitals who share an identifier of one authority are one person; a stay at one
// counts as an earlier visit at the other.
func TestLinks(t *testing.T) {
	h := start(t)
	pid := func(mr, mbi string) string {
		return "PID=PID|1||" + mr + "^^^OWN^MR~" + mbi + "^^^CMS&2.16.840.1.113883.4.927&ISO^MC||Canary^Nightingale||19500101|F"
	}
	h.send(
		adtMessage("1", "A04", "202603020800", "", "V1", "MSH-4=NORTH", "PV1-2=E", pid("1", "1EG4TE5MK72")),
		adtMessage("2", "A03", "202603021000", "", "V1", "MSH-4=NORTH", "PV1-2=E", "PV1-36=01", pid("1", "1EG4TE5MK72")),
		adtMessage("3", "A01", "202603100800", "", "V1", "MSH-4=SOUTH", pid("1", "1EG4TE5MK72")),
		adtMessage("4", "A01", "202603100800", "", "V2", "MSH-4=SOUTH", pid("2", "9ZZ9TE5MK99")))
	h.settle()
	h.compared()
	h.settle()
	var patients, persons int
	h.scan(`SELECT count(*), count(DISTINCT person_id) FROM patient`, nil, &patients, &persons)
	if patients != 3 || persons != 2 {
		t.Errorf("%d patients are %d persons", patients, persons)
	}
	if diff := cmp.Diff([]string{"registered", "registered", "linked", "registered"}, h.facts("care.patient.")); diff != "" {
		t.Error(diff)
	}
	var prior string
	h.scan(`SELECT snapshot::json->>'prior_ed_6m' FROM encounter e JOIN facility f ON f.id = facility_id WHERE f.code = 'SOUTH' AND visit = 'V1'`, nil, &prior)
	if prior != "1" {
		t.Errorf("earlier emergency visits: %q", prior)
	}
}

// Two persons who turn out to be one: all their patients move together.
func TestLinkJoinsGroups(t *testing.T) {
	h := start(t)
	pid := func(mr string, more ...string) string {
		s := "PID=PID|1||" + mr + "^^^OWN^MR"
		for _, m := range more {
			s += "~" + m + "^^^CMS^MC"
		}
		return s + "||Canary^Nightingale"
	}
	at := func(n int, facility, pid string) []byte {
		return adtMessage(fmt.Sprint(n), "A01", "202603100800", "", fmt.Sprintf("V%d", n), "MSH-4="+facility, pid)
	}
	h.send(at(1, "N", pid("1", "1EG4TE5MK72")), at(2, "S", pid("2", "1EG4TE5MK72")), at(3, "E", pid("3", "2EG4TE5MK72")), at(4, "W", pid("4", "2EG4TE5MK72")))
	h.settle()
	h.send(at(5, "X", pid("5", "1EG4TE5MK72", "2EG4TE5MK72")))
	h.settle()
	var persons int
	h.scan(`SELECT count(DISTINCT person_id) FROM patient`, nil, &persons)
	if persons != 1 {
		t.Errorf("%d persons", persons)
	}
	told := map[string]string{}
	for _, e := range h.events() {
		switch f := e.Fact.(type) {
		case events.PatientRegistered:
			told[f.Patient.ID.String()] = f.Patient.Person.String()
		case events.PatientLinked:
			told[f.Patient.ID.String()] = f.Patient.Person.String()
		}
	}
	groups := map[string]bool{}
	for _, person := range told {
		groups[person] = true
	}
	if len(told) != 5 || len(groups) != 1 {
		t.Errorf("of %d patients others know %d persons", len(told), len(groups))
	}
}

// A patient's death, told by demographics, shows on the stays that are not over.
func TestDemographicsReachOpenStays(t *testing.T) {
	h := start(t)
	dead := "PID=PID|1||77^^^GENERAL&1.2.3&ISO^MR||Canary^Nightingale||19500101|F||||||||||||||||||||||Y"
	h.send(
		adtMessage("1", "A01", "202603100800", "77", "V1"),
		adtMessage("2", "A31", "202603110800", "", "", "PV1-2=N", dead))
	h.settle()
	var deceased string
	h.scan(`SELECT snapshot::json->>'deceased' FROM encounter`, nil, &deceased)
	if deceased != "true" {
		t.Errorf("deceased: %q", deceased)
	}
	if diff := cmp.Diff([]string{"patient.registered", "encounter.admitted", "patient.updated", "encounter.updated"}, h.facts("care.")[1:]); diff != "" {
		t.Error(diff)
	}
}

// Messages without a visit number find the planned stay, or the one that was open.
func TestStaysWithoutNumber(t *testing.T) {
	h := start(t)
	h.send(
		adtMessage("1", "A14", "202603100800", "77", "", "PV1-2=P"),
		adtMessage("2", "A27", "202603100900", "77", "", "PV1-2=P", "EVN-6=202603100800"),
		adtMessage("3", "A01", "202603120800", "78", "V1", "PV1-44=202603120800"),
		adtMessage("4", "A03", "202603140800", "78", "", "PV1-36=01"),
		adtMessage("5", "A03", "202603140800", "79", "", "PV1-36=01", "PV1-2=O"))
	h.settle()
	rows, err := h.db.System.Query(context.Background(), `SELECT concat_ws(' ', class, state, facts) FROM encounter ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if diff := cmp.Diff([]string{"preadmit cancelled 2", "inpatient finished 2", "outpatient finished 1"}, got); err != nil || diff != "" {
		t.Error(diff, err)
	}
}

// A client certificate opens its feed and no other; without one there is no connection.
func TestMutualTLS(t *testing.T) {
	dir := t.TempDir()
	ca, caKey := certificate(t, dir, "ca", nil, nil)
	server, _ := certificate(t, dir, "server", ca, caKey)
	_, _ = certificate(t, dir, "mercy.example", ca, caKey)
	_, _ = certificate(t, dir, "stranger.example", ca, caKey)
	file := func(name, kind string) string { return filepath.Join(dir, name+"."+kind) }
	h := startOn(t, testDB(t), run.Config{Dev: true, MLLP: "127.0.0.1:0", MLLPTLSCert: file("server", "crt"), MLLPTLSKey: file("server", "key"), MLLPClientCA: file("ca", "crt")})
	if _, err := h.db.System.Exec(context.Background(), `UPDATE feed SET certificates = '{mercy.example}'`); err != nil {
		t.Fatal(err)
	}
	if err := h.directory.Refresh(context.Background()); err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	try := func(name string, version uint16) error {
		config := &tls.Config{RootCAs: roots, ServerName: server.DNSNames[0], MaxVersion: version}
		if name != "" {
			pair, err := tls.LoadX509KeyPair(file(name, "crt"), file(name, "key"))
			if err != nil {
				t.Fatal(err)
			}
			config.Certificates = []tls.Certificate{pair}
		}
		c, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", h.address, config)
		if err != nil {
			return err
		}
		defer c.Close()
		if err := mllp.WriteFrame(c, adtMessage("1", "A01", "202603100800", "77", "V1")); err != nil {
			return err
		}
		_, err = mllp.NewReader(c, mllp.Options{}).ReadFrame()
		return err
	}
	if err := try("mercy.example", tls.VersionTLS13); err != nil {
		t.Errorf("the feed's certificate: %v", err)
	}
	for what, err := range map[string]error{"a stranger": try("stranger.example", tls.VersionTLS13), "nobody": try("", tls.VersionTLS13), "TLS 1.2": try("mercy.example", tls.VersionTLS12)} {
		if err == nil {
			t.Errorf("%s is answered", what)
		}
	}
}

// certificate writes name.crt and name.key, signed by parent or by itself.
func certificate(t *testing.T, dir, name string, parent *x509.Certificate, by *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true, IsCA: parent == nil,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	if parent == nil {
		parent, by = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), by)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for kind, b := range map[string]*pem.Block{"crt": {Type: "CERTIFICATE", Bytes: der}, "key": {Type: "EC PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(dir, name+"."+kind), pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return c, key
}
