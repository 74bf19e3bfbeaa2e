// Package setup is how an organization says who is to be told: people, rosters, routing rules,
// escalation policies, webhook receivers.
//
// Guarantee: nothing is stored that could never name anyone (an unknown role, an unreadable address);
// a change holds from the next batch of facts on, in every replica; a webhook's secret is shown once.
package setup
