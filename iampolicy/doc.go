// Package iampolicy treats IAM policy documents as values.
package iampolicy
