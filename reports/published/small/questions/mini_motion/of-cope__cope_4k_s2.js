given("of-cope__cope_4k_s2",{"outcomes":"323332331222312231332313","labels":null});
