given("of-cope__cope_zero",{"outcomes":"212121321232333312221222","labels":null});
