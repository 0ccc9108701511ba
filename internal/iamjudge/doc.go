// Package iamjudge holds the test that sets the policy evaluator against an
// independent one, iam-simulate, which runs as a process of its own. It does
// nothing unless SNAPKEEP_IAM_SIMULATE names a node_modules folder with
// @cloud-copilot/iam-simulate in it.
package iamjudge
