given("of-cope_unaligned__cope_2k",{"outcomes":"212112131223312331131223","labels":null});
