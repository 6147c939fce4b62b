given("of-cope__cope_1k_s2",{"outcomes":"333333333323123333223332","labels":null});
