given("of-cope_n16__cope_1k",{"outcomes":"111111211211112211121112","labels":null});
