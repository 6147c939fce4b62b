given("of-cope_n16__cope_2k",{"outcomes":"213333232113332133231232","labels":null});
