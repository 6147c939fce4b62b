given("of-cope_n2__cope_2k",{"outcomes":"212121313321123333333323","labels":null});
