umask 077  # what is written now is for you alone; without -noenc a passphrase is asked for, and encrypts the keys
openssl req -x509 $NEW_KEY -noenc -keyout root.key.pem -out root.pem -days "$LIFETIME_DAYS" \
    -utf8 -subj "$ROOT_SUBJECT" \
    -addext basicConstraints=critical,CA:TRUE,pathlen:1 -addext keyUsage=critical,keyCertSign,cRLSign
openssl req -new $NEW_KEY -noenc -keyout intermediate.key.pem -out intermediate.csr \
    -utf8 -subj "$INTERMEDIATE_SUBJECT" \
    -addext basicConstraints=critical,CA:TRUE,pathlen:0 -addext keyUsage=critical,keyCertSign,cRLSign
openssl x509 -req -in intermediate.csr -CA root.pem -CAkey root.key.pem -copy_extensions copy \
    -days "$LIFETIME_DAYS" -out intermediate.pem
