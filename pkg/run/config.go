package run

import "time"

// Config is what an operator can set. Flags win over HANDOFF_* variables, those over the file.
type Config struct {
	Data           string        `help:"Data directory: private PostgreSQL, JetStream, keys." default:"./.handoff" placeholder:"DIR"`
	HTTP           string        `name:"http" help:"Address of console, APIs, health and metrics. Plain HTTP is allowed on loopback only, unless --insecure-http." default:"127.0.0.1:8080" placeholder:"ADDR"`
	MLLP           string        `name:"mllp" help:"Address for HL7 v2 over MLLP. Plain MLLP is allowed on loopback only; elsewhere set --mllp-tls-cert." default:"127.0.0.1:2575" placeholder:"ADDR"`
	DatabaseURL    string        `name:"database-url" help:"PostgreSQL to use instead of a private one." placeholder:"URL"`
	NATSURL        string        `name:"nats-url" help:"NATS to use instead of an embedded one." placeholder:"URL"`
	Dev            bool          `help:"Development: loopback only, organization 'demo', a persona picker, a plain MLLP feed that accepts every facility, a mail sink."`
	InsecureHTTP   bool          `name:"insecure-http" help:"Serve plain HTTP on an address that is not loopback: whoever can listen on the way reads everything. Only behind a proxy that does TLS."`
	TLSCert        string        `name:"tls-cert" help:"Certificate for HTTPS." placeholder:"FILE"`
	TLSKey         string        `name:"tls-key" placeholder:"FILE" help:"Key of --tls-cert."`
	MLLPTLSCert    string        `name:"mllp-tls-cert" placeholder:"FILE" help:"Certificate for MLLP over TLS 1.3."`
	MLLPTLSKey     string        `name:"mllp-tls-key" placeholder:"FILE" help:"Key of --mllp-tls-cert."`
	MLLPClientCA   string        `name:"mllp-client-ca" placeholder:"FILE" help:"Authorities whose client certificates may open an MLLP connection; the certificate names the feed."`
	OIDCIssuer     string        `name:"oidc-issuer" placeholder:"URL" help:"OpenID Connect issuer whose tokens are accepted."`
	OIDCClientID   string        `name:"oidc-client-id" placeholder:"ID" help:"The console's client id at the issuer."`
	OIDCSecret     string        `name:"oidc-client-secret-file" placeholder:"FILE" help:"File with the console's client secret."`
	IdentityKey    string        `name:"identity-key-file" placeholder:"FILE" help:"File with a secret that goes into the digests of patients' identities beside one kept in the database. The same for all processes, from the first start on."`
	KeyFile        string        `name:"key-file" placeholder:"FILE" help:"File with the keys that messages are sealed under, one in each line; the first one is used. Default: message-keys in the data directory, made on the first start; with --database-url and without --dev there is none."`
	SMTPURL        string        `name:"smtp-url" placeholder:"URL" help:"Mail server: smtp://user:password@host:587 or smtps://. Empty: in development a sink, else no mail."`
	PublicURL      string        `name:"public-url" placeholder:"URL" help:"How people reach the console: used in links and redirects. Default: http://<http address>."`
	WebhookAllow   []string      `name:"webhook-allow" placeholder:"CIDR" help:"Private networks that webhooks may be sent to."`
	LateAfter      time.Duration `name:"late-arrival-after" default:"24h" help:"A discharge heard of later than this raises no alert of its own."`
	MaxFrame       int           `name:"max-frame" default:"2097152" help:"Largest HL7 message in bytes."`
	StreamMaxBytes int64         `name:"stream-max-bytes" placeholder:"BYTES" help:"Size of each service's stream; when it is full facts wait in PostgreSQL. Default: 1 GiB, or a fifth of 90 % of what NATS allows."`
	PeerURLs       []string      `name:"peer" placeholder:"SERVICE=URL" help:"Where another service's API is, when it does not run in this process."`
	LogLevel       string        `name:"log-level" enum:"debug,info,warn,error" default:"info" help:"Least severe log line to write."`
}

// KeyFile is the name, in a data directory, of the file with the keys that messages are sealed under.
const KeyFile = "message-keys"

// UsedKeyFile is the name of the file beside it that says the id of the key in use: which key file a
// start needs, where the database does not run.
const UsedKeyFile = KeyFile + ".used"
