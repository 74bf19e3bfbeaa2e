// Package checks proves, without a container engine, that what is in deploy and docker-compose.yml would work:
//
//   - docker-compose.yml loads by the rules of the specification, every service of ours in it is a folder with a
//     program, and every file and secret it mounts is there or made by deploy/secrets.sh;
//   - the NATS server starts from its file, gives each service's user exactly what the embedded server gives it
//     (cmd/handoff/internal/broker), and keeps services out of each other's subjects;
//   - PostgreSQL takes roles.sql, any number of times, and a service's login can migrate and serve its own schema
//     and touch no other;
//   - every expression in dashboards and alert rules parses, and names only metrics and labels that exist:
//     those in metrics.txt, which the running system is compared with, and those of other programs;
//   - every alert rule fires on the figures it is for and keeps quiet on those it is not for, and says what to do
//     in a section of docs/operate.md.
//
// It is a module of its own, outside the workspace: its tools are needed nowhere else.
//
//	cd deploy/checks && GOWORK=off go test -count=1 ./...
//
// (-count=1: go's cache of results does not notice changes outside the module.)
package checks
