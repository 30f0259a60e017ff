openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -keyout ephemeral.key.pem \
    -subj "$CODE_SUBJECT" -out code.csr
openssl x509 -req -in code.csr -days 3 -out verification.pem \
    -CA "$CA_PEM_FILE" -CAkey "$CA_KEY_FILE"
rm ephemeral.key.pem code.csr  # neither is needed again
