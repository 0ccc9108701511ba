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
// A call passes, in this order: the signature (is the key known in this
// Region, is the time near enough, does it match, does the session still run),
// the operation, the members that it has, the request limits, the faults of the
// test, and then the operation itself, which checks what its members hold,
// whether the caller may, and what the state allows, and only then takes
// effect. AWS documents of this that a dry run checks the permissions and no
// more, and that each request takes a token of its limit, refused ones too.
// Whether something exists is looked up before the caller's permissions are
// checked, since its tags and owner have a say in those; what a stranger learns
// by that is up to each operation.
//
// Time is package time's. In a testing/synctest bubble hours pass in
// milliseconds, and for a single caller a run is a function of Options.Seed.
package core
