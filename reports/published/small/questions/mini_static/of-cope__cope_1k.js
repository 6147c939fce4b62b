given("of-cope__cope_1k",{"outcomes":"332121332333123333223332","labels":null});
