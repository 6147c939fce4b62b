given("of-cope__cope_1k_s2",{"outcomes":"321332333323213322312233","labels":null});
