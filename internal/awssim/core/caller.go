package core

// A Caller is who signed a request: an IAM user, a session of a role, or,
// with neither, the root of the account.
type Caller struct {
	// ARN as sts:GetCallerIdentity tells it.
	ARN string
	// UserID is AIDA…, AROA…:session, or the account id of a root.
	UserID string
	// KeyID is the access key that signed.
	KeyID string
	// User is nil unless the caller is an IAM user.
	User *User
	// Session is nil unless the caller has assumed a role.
	Session *Session
}

// An accessKey is one credential and whom it stands for.
type accessKey struct {
	id, secret, token string
	account           *Account
	caller            Caller
}
