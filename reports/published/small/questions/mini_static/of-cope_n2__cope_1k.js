given("of-cope_n2__cope_1k",{"outcomes":"212321333333123333333333","labels":null});
