given("of-cope__cope_4k_s2",{"outcomes":"212121333333333312221232","labels":null});
