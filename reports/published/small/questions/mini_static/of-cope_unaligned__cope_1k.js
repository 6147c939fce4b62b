given("of-cope_unaligned__cope_1k",{"outcomes":"212121122122122111222122","labels":null});
