given("of-cope_n16__cope_1k",{"outcomes":"212233213333123333233232","labels":null});
