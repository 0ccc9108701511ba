// Package core is the kernel of the simulated AWS: accounts and their IAM
// state, who calls, what a call may do, request limits, faults, and the way
// of a signed request from the wire to the Go method that answers it.
//
// Services (STS, EC2, KMS) are built on it and know nothing of HTTP.
//
// A Cloud is safe for concurrent use through its Handler. One lock guards all
// state: the dispatcher holds it while an operation runs, so operations and
// the methods of Account and Call need none; whoever reaches into the state
// from outside an operation takes Cloud.Lock first. Latency is slept without it.
//
// Time is package time's. In a testing/synctest bubble hours pass in
// milliseconds, and for a single caller a run is a function of Options.Seed.
package core
