// Mutate negates each condition of the engine's idempotency path, one at a
// time, and tells which of these mutants no test of package backup notices.
//
//	go run ./internal/mutate                 # all, but for those that are listed
//	go run ./internal/mutate -listed         # all
//	go run ./internal/mutate -sample 20      # as many, drawn by -seed
//	go run ./internal/mutate -only settle.go # those whose names match
//
// A condition is that of an if, one of a switch without a tag, or what a
// function returns as a bool: there each operand of && and || is one. All mutants
// are compiled into one test binary, which an environment variable tells which
// one to be. First each test is run by itself without any, to learn how long it
// takes and which conditions it asks. Then a mutant has to pass the tests that
// ask its condition, the short ones first, until one fails.
//
// Those that are known to survive are listed in testdata/survivors.txt, each
// with the reason why no test can notice it, or none needs to. Any other that
// survives makes the program fail, and so does, with -listed, one that is
// listed and is noticed.
//
// Of some 800 conditions six are listed, and no other survives. All of them take
// a quarter of an hour of processor time, a mutant about a second; what the gate
// tries is a sample of sixty, always the same for the same code.
package main
