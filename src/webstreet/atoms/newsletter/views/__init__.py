"""What readers and programs see of the newsletter. No session, no cookie; a GET changes nothing."""
