umask 077  # only you can read the new files; to encrypt the keys, leave out -noenc: OpenSSL then asks for a passphrase
openssl req -x509 $NEW_KEY -noenc -keyout root.key.pem -out root.pem -days "$LIFETIME_DAYS" \
    -utf8 -subj "$ROOT_SUBJECT" \
    -addext basicConstraints=critical,CA:TRUE,pathlen:1 -addext keyUsage=critical,keyCertSign,cRLSign
openssl req -new $NEW_KEY -noenc -keyout intermediate.key.pem -out intermediate.csr \
    -utf8 -subj "$INTERMEDIATE_SUBJECT" \
    -addext basicConstraints=critical,CA:TRUE,pathlen:0 -addext keyUsage=critical,keyCertSign,cRLSign
openssl x509 -req -in intermediate.csr -CA root.pem -CAkey root.key.pem -copy_extensions copy \
    -days "$LIFETIME_DAYS" -out intermediate.pem
